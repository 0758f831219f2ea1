INSERT INTO l (a, d) VALUES (1, 'x');
