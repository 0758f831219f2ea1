INSERT INTO customer (name) SELECT 'c' || n FROM generate_series(1, 20) n;
INSERT INTO invoice SELECT n, n % 20 + 1, n FROM generate_series(1, 60) n;
INSERT INTO mention VALUES (1, 'x'), (NULL, 'y');
