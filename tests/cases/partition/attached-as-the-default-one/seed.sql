INSERT INTO d SELECT n, 'in' FROM generate_series(1, 199) n;
INSERT INTO d_rest SELECT n + 1000, 'out' FROM generate_series(1, 300) n;
INSERT INTO d_rest VALUES (NULL, 'unknown');
