CREATE FUNCTION one(a integer) RETURNS integer LANGUAGE sql IMMUTABLE RETURN a + 1;
CREATE FUNCTION two(a integer) RETURNS integer LANGUAGE sql IMMUTABLE RETURN one(a) * 2;
CREATE TABLE t (a integer, g integer GENERATED ALWAYS AS (two(a)) STORED, CONSTRAINT k CHECK (two(a) < 1000), UNIQUE (g));
CREATE INDEX t_one ON t (one(a)) WHERE two(a) > 3;
CREATE VIEW v AS SELECT g, one(g) AS h FROM t;
CREATE POLICY p ON t USING (one(a) > 0);
CREATE STATISTICS s ON (one(a)), g FROM t;
