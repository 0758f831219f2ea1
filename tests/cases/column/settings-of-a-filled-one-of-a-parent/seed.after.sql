INSERT INTO c SELECT n, n, n, n FROM generate_series(1, 50) n;
