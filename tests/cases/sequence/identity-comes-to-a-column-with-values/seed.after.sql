INSERT INTO a (x) VALUES ('x'), ('y'); INSERT INTO b VALUES (1, 'x'), (2, 'y');
