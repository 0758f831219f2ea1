INSERT INTO place (id) VALUES (1);
