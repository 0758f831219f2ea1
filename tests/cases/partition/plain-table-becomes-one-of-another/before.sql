CREATE TABLE m (a integer NOT NULL, b text) PARTITION BY LIST (a);
CREATE TABLE x (a integer NOT NULL, b text);
CREATE INDEX m_b ON m (b);
CREATE INDEX x_b_idx ON x (b);
