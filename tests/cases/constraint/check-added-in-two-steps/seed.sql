INSERT INTO price VALUES (1, 0), (2, 3.5);
