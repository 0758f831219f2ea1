INSERT INTO visit VALUES (1, 'x', '2026-01-01'), (2, 'y', '2026-01-02');
