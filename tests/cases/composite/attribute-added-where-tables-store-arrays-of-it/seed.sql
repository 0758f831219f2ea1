INSERT INTO t VALUES (1, ARRAY[ROW('a', 'b')]::tag[], NULL);
