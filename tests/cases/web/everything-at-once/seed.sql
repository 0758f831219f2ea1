INSERT INTO shop.customer (name) VALUES ('Ada'); INSERT INTO shop.orders (customer, total) VALUES (1, 30);
