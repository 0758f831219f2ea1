INSERT INTO m (id, r) VALUES (1, 1);
