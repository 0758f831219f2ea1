INSERT INTO t (a, b) VALUES (4, 2);
