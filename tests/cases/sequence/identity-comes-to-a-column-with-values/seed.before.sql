INSERT INTO a VALUES (1, 'x'), (7, 'y'); INSERT INTO b (x) VALUES ('x'), ('y');
