INSERT INTO sale SELECT date '2025-01-01' + n % 300, n FROM generate_series(1, 300) n;
INSERT INTO sale SELECT date '2027-01-01' + n % 300, n FROM generate_series(1, 300) n;
INSERT INTO sale_2024 SELECT date '2024-01-01' + n % 300, n % 3 FROM generate_series(1, 300) n;
