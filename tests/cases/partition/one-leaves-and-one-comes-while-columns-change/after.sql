CREATE TABLE m (id integer NOT NULL, r integer NOT NULL, kind bigint, fresh date, CONSTRAINT many CHECK (id < 1000)) PARTITION BY LIST (r);
CREATE TABLE m_1 PARTITION OF m FOR VALUES IN (1);
CREATE TABLE m_2 (id integer NOT NULL, r integer NOT NULL, old text, kind integer);
CREATE TABLE m_3 PARTITION OF m FOR VALUES IN (3);
CREATE INDEX m_kind ON m (kind);
CREATE INDEX m_2_kind_idx ON m_2 (kind);
