INSERT INTO thing SELECT n, 'a' || n, ROW(n, 'x')::pair FROM generate_series(1, 300) n;
