INSERT INTO pa VALUES (1, 1, 1), (2, 49, 2), (3, 200, 3);
