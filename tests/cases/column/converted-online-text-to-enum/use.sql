INSERT INTO orders (id, customer) VALUES (100, 9);
UPDATE orders SET status = 'sent' WHERE id = 100;
INSERT INTO orders (id, customer, status) VALUES (101, 9, 'sent') ON CONFLICT (customer, status) DO UPDATE SET note = 'again'
