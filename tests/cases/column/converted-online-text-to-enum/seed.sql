INSERT INTO orders (id, customer, status) VALUES (1, 1, 'new'), (2, 1, 'paid'), (3, 2, 'sent'), (4, 3, DEFAULT);
