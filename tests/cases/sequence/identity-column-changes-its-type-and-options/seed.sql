INSERT INTO t (x) VALUES ('a'), ('b'); INSERT INTO refers SELECT id FROM t;
