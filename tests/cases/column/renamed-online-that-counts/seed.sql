INSERT INTO t (a) SELECT 'x' FROM generate_series(1,10); INSERT INTO s (a) SELECT 'x' FROM generate_series(1,10);
