INSERT INTO person VALUES (1, 'A@x');
