INSERT INTO page (id, title) VALUES (1, 'A B');
