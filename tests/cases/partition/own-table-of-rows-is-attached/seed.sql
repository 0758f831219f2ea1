INSERT INTO m SELECT 'a', n FROM generate_series(1, 300) n;
INSERT INTO m SELECT 'other', n FROM generate_series(1, 300) n;
INSERT INTO "m B" SELECT 'it''s', n FROM generate_series(1, 300) n;
