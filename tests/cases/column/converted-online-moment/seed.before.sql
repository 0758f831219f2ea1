INSERT INTO event (at, day, tags) VALUES (1700000000, '2026-05-01', 'a'), (NULL, NULL, NULL), (0, DEFAULT, 'it''s');
