CREATE TABLE m (id integer NOT NULL, r integer NOT NULL, old text, kind integer, CONSTRAINT few CHECK (id < 100)) PARTITION BY LIST (r);
CREATE TABLE m_1 PARTITION OF m FOR VALUES IN (1);
CREATE TABLE m_2 PARTITION OF m FOR VALUES IN (2);
CREATE TABLE m_3 (id integer NOT NULL, r integer NOT NULL, kind integer);
CREATE INDEX m_kind ON m (kind);
