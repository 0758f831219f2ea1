INSERT INTO door VALUES (1, 'open'), (2, 'closed');
