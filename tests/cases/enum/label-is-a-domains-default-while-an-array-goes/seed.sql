INSERT INTO t VALUES (1, 'gone', '{late}'), (2, 'late', NULL);
