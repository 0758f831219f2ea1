INSERT INTO post SELECT n, 'Title ' || n FROM generate_series(1, 300) n;
