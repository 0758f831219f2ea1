INSERT INTO person VALUES (1, 'a'), (2, 'b');
INSERT INTO purchase (id, person, total) VALUES (1, 1, 5), (2, 1, 6);
