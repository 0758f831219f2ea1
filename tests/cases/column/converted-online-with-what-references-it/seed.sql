INSERT INTO orders (at) SELECT 'a' || n FROM generate_series(1, 20) n;
INSERT INTO lines (id, order_id) SELECT n, n % 20 + 1 FROM generate_series(1, 40) n;
INSERT INTO notes SELECT n, 'x' FROM generate_series(1, 20) n;
