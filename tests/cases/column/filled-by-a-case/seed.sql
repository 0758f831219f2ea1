INSERT INTO item SELECT n, n FROM generate_series(1, 20) n;
