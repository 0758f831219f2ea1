INSERT INTO m (r, v, w) VALUES (1, 'x', 'w'), (2, 'y', 'w');
