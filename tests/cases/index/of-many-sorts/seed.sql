INSERT INTO book VALUES (1, 'A', '{x,y}', 3, false), (2, 'B', NULL, 4, true);
