INSERT INTO book VALUES (1, 'A', 15), (2, 'B', 25);
