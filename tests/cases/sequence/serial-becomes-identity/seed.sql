INSERT INTO a (x) VALUES ('one'), ('two');
