INSERT INTO meter VALUES (1, '12'), (2, '7');
