INSERT INTO sale VALUES (1, 10, 3), (2, 7, 1);
