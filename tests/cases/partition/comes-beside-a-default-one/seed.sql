INSERT INTO reading SELECT date '2024-01-01' + n % 300, n, n FROM generate_series(1, 500) n;
INSERT INTO reading SELECT date '2027-01-01' + n % 300, n, n FROM generate_series(1, 500) n;
