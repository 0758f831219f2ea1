INSERT INTO log SELECT 'no', n FROM generate_series(1, 20) n; INSERT INTO log VALUES ('so', 1);
