INSERT INTO log (id, at, line) VALUES (1, '2025-01-01', 'x'), (2, '2025-01-01', 'y');
