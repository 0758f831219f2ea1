INSERT INTO site VALUES (1), (2);
INSERT INTO reading (at, site, value, grade) SELECT '2024-06-01'::date + n, 1, 'v' || n, n + 1 FROM generate_series(0, 99) n;
INSERT INTO reading (at, site, value, grade) SELECT '2025-06-01'::date + n, 1 + n % 2, 'v' || n, NULL FROM generate_series(0, 99) n;
