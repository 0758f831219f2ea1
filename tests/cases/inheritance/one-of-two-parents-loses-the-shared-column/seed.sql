INSERT INTO c (id, z) VALUES (1, 'z');
