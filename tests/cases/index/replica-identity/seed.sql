INSERT INTO feed VALUES (1, 'a');
