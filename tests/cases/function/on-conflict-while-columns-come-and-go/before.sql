CREATE TABLE t (a integer PRIMARY KEY, b text, gone text);
CREATE FUNCTION up(integer) RETURNS void LANGUAGE sql BEGIN ATOMIC INSERT INTO t (a, b) VALUES ($1, 'x') ON CONFLICT (a) DO UPDATE SET b = excluded.b; END;
CREATE FUNCTION calls() RETURNS void LANGUAGE sql BEGIN ATOMIC SELECT up(1); END;
COMMENT ON FUNCTION up(integer) IS 'inserts';
GRANT EXECUTE ON FUNCTION up(integer) TO reader;
