INSERT INTO keyless SELECT 'a' || n FROM generate_series(1, 3000) n;
INSERT INTO t SELECT n FROM generate_series(1, 700) n;
INSERT INTO child_of_nobody SELECT n FROM generate_series(1, 10) n;
