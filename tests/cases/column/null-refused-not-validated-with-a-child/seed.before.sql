INSERT INTO c SELECT n FROM generate_series(1, 50) n;
INSERT INTO k SELECT n FROM generate_series(1, 50) n;
