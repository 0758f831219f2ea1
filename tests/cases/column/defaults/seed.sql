INSERT INTO form VALUES (9, 'b', '2026-01-01', '{q}', 3);
