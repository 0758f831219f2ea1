INSERT INTO sale (id, amount) SELECT n, n FROM generate_series(1, 100) n; REFRESH MATERIALIZED VIEW total;
