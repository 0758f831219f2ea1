INSERT INTO item VALUES (1, 2, 'old'), (2, 0, 'new');
