INSERT INTO town VALUES ('Rome', 3);
INSERT INTO person VALUES (1, 'a', 'calm', 'Rome'), (2, 'b', 'loud', 'Rome');
REFRESH MATERIALIZED VIEW stored;
