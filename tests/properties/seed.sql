INSERT INTO shop.customer (name, phone) VALUES ('Ada', '1'), ('Bob', NULL);
INSERT INTO shop.orders (customer, total) VALUES (1, 30), (1, 4000), (2, 5);
INSERT INTO shop.item VALUES (1, 'Nail', 3), (2, 'Screw', NULL);
INSERT INTO shop.attic VALUES (1, 'x');
