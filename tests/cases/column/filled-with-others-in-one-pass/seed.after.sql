INSERT INTO t SELECT n, 'x' || n, n, n, 'X' || n, gen_random_uuid(), 'x' || n FROM generate_series(1, 50) n;
INSERT INTO w SELECT n, n, n + 1, n + 2 FROM generate_series(1, 50) n;
