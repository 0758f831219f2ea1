INSERT INTO a VALUES (1, 'x'), (7, 'y'); INSERT INTO b VALUES (1, 'x'), (2, 'y');
