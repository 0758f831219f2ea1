INSERT INTO t (a, o) VALUES (1, 'x');
