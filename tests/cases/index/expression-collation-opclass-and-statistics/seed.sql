INSERT INTO t VALUES ('x', 'y', '{1}');
