INSERT INTO t VALUES (1, 2, 'c', '2024-02-29', 1.5, 'f', '{q}', 'abc');
