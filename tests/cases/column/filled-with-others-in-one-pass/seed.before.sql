INSERT INTO t SELECT n, 'x' || n, n, n FROM generate_series(1, 50) n;
INSERT INTO w SELECT n, n FROM generate_series(1, 50) n;
