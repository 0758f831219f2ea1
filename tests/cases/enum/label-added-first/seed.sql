INSERT INTO t VALUES (1, 'one', '{two,three}'), (2, 'three', NULL);
