INSERT INTO t VALUES ('a', '{a}', '{a,a}', ('a', 1), ARRAY[('a', 2)::c]);
