INSERT INTO meter VALUES (1, 2, 'three', 4.25, 5.5, '2026-01-01 10:00:00');
