INSERT INTO t SELECT n, 'a' || n FROM generate_series(1, 2500) n;
INSERT INTO parent SELECT n FROM generate_series(1, 50) n;
INSERT INTO child SELECT n, 'b' FROM generate_series(51, 100) n;
INSERT INTO whole SELECT n, n % 20 FROM generate_series(1, 100) n;
