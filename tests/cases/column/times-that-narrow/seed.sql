INSERT INTO t SELECT n, '2026-11-29 10:00', '2026-11-29 10:00Z', '1 day', n * 1000, '10:00' FROM generate_series(1, 50) n;
