INSERT INTO reading SELECT n, date '2025-06-01' + n, n / 7.0 FROM generate_series(1, 900) n;
