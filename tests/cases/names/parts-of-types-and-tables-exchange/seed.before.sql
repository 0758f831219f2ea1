INSERT INTO t VALUES (1, 'x', 'red', (1, 'y')), (2, 'z', 'blue', (2, 'z'));
