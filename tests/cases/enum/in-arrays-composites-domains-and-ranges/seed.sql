INSERT INTO t (id, b, c) VALUES (1, 'glad', ('glad', '{ok}'));
