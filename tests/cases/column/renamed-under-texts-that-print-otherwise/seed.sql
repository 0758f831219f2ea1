INSERT INTO ticket VALUES (1, 'new', 'a'), (2, 'done', NULL);
