INSERT INTO ticket (number) SELECT n FROM generate_series(1, 300) n;
