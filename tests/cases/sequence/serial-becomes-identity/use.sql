INSERT INTO a (x) VALUES ('next')
