INSERT INTO product (name) SELECT 'p' || n FROM generate_series(1, 500) n; INSERT INTO part SELECT n, CASE WHEN n > 9 THEN n - 9 END FROM generate_series(1, 500) n;
