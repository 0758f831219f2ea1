INSERT INTO t VALUES ('q', '{Z}');
