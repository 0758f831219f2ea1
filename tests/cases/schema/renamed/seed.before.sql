INSERT INTO depot.crate VALUES (1, 'b');
