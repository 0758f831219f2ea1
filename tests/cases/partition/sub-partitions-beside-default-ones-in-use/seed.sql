INSERT INTO e SELECT '2024-01-05', CASE WHEN n % 2 = 0 THEN 'A' ELSE 'c' END FROM generate_series(1, 300) n;
INSERT INTO e SELECT '2026-01-05', 'x' FROM generate_series(1, 300) n;
