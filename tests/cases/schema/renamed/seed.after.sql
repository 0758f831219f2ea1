INSERT INTO kontor.crate VALUES (1, 'b');
