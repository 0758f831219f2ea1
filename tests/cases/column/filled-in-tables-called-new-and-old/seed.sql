INSERT INTO x VALUES (1, 'a'), (2, 'b');
INSERT INTO old VALUES (1, 'a'), (2, NULL);
