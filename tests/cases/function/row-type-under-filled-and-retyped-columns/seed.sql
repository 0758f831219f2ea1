INSERT INTO shelf (id, load, unit) VALUES (1, 3, 'kg');
