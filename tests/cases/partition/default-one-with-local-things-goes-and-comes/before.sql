CREATE TABLE m (id integer NOT NULL, r integer, CONSTRAINT u UNIQUE (id, r)) PARTITION BY LIST (r);
CREATE TABLE m_rest PARTITION OF m (CONSTRAINT loc CHECK (id > 0)) DEFAULT;
CREATE UNIQUE INDEX loc_u ON m_rest (id);
CREATE STATISTICS s ON id, r FROM m_rest;
ALTER TABLE m_rest SET (fillfactor = 70);
