INSERT INTO member (who, team) VALUES ('reader', 1); INSERT INTO doc VALUES (1, 1);
