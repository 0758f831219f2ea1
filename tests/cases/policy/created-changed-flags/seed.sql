INSERT INTO doc VALUES (1, 'x', false);
