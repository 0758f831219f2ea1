INSERT INTO t VALUES ('A', '{x}', '{B}');
