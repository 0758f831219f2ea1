INSERT INTO b VALUES (1, 1), (2, 2), (NULL, 3);
INSERT INTO deep VALUES (1, 1), (2, 2);
INSERT INTO left_alone VALUES (1, 1), (2, 2);
