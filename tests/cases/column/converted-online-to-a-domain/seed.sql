INSERT INTO coin SELECT n, n, n * 86400 FROM generate_series(1, 100) n;
