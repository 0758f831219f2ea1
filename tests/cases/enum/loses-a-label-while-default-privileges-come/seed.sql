INSERT INTO app.ship VALUES (1, 'new', 'a');
