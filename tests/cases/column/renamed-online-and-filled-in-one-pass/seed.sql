INSERT INTO t SELECT n, 'a' || n, 'b' || n, n, n FROM generate_series(1, 50) n;
