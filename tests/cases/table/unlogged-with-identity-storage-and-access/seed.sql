INSERT INTO t (body) VALUES ('x');
