INSERT INTO line SELECT n, n, 'x' || n, n, '2026-01-01', 'n' FROM generate_series(1, 50) n;
INSERT INTO whole SELECT n, n, n FROM generate_series(1, 50) n;
INSERT INTO child SELECT n, n, n FROM generate_series(1, 50) n;
