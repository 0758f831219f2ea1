INSERT INTO ticket SELECT n, 'open' FROM generate_series(1, 20) n;
