INSERT INTO shelf (id, load) VALUES (1, '(3,kg)');
