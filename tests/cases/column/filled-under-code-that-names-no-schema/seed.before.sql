INSERT INTO ship SELECT n, 'Ship ' || n FROM generate_series(1, 5) n;
