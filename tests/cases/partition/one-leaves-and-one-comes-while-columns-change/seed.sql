INSERT INTO m (id, r) VALUES (1, 1); INSERT INTO m_2 (id, r, kind) VALUES (2, 2, 2); INSERT INTO m_3 (id, r, kind) VALUES (3, 3, 3);
