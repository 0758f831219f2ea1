INSERT INTO keyless SELECT 'a' || n FROM generate_series(1, 3000) n;
INSERT INTO t SELECT n FROM generate_series(1, 700) n;
INSERT INTO child_of_nobody SELECT n FROM generate_series(1, 10) n;
INSERT INTO keyed SELECT 'k' || n FROM generate_series(1, 40) n;
INSERT INTO whole SELECT n % 10 FROM generate_series(1, 60) n;
INSERT INTO parent SELECT 'p' FROM generate_series(1, 20); INSERT INTO inheritor SELECT 'i' FROM generate_series(1, 20);
