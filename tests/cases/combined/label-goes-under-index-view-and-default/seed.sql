INSERT INTO job VALUES (1, 'open'), (2, 'done');
