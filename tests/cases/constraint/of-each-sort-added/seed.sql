INSERT INTO room VALUES (1, 1, 'a', '[2026-01-01,2026-01-02)', NULL), (2, 1, 'b', NULL, 1);
