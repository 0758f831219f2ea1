INSERT INTO app (id, a, c, d, e, f) VALUES (1, 'a', 'c', 'd', 'e', 'f'); INSERT INTO parent (a, b, c) VALUES ('a', 'b', 'c');
