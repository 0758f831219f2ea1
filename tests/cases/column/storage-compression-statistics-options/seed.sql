INSERT INTO doc VALUES (1, repeat('x', 3000), '\x01');
