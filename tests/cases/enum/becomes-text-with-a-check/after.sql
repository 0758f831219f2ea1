CREATE TABLE t (id integer PRIMARY KEY, s text NOT NULL DEFAULT 'a' CONSTRAINT t_s_check CHECK (s IN ('a', 'b')));
CREATE INDEX t_s ON t (s) WHERE s = 'a';
CREATE VIEW v AS SELECT id FROM t WHERE s = 'b';
CREATE FUNCTION of(s text) RETURNS bigint LANGUAGE sql STABLE RETURN (SELECT count(*) FROM t WHERE t.s = $1);
