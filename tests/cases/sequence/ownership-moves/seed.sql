SELECT nextval('numbers'); INSERT INTO a VALUES (1);
