CREATE TABLE t (a integer PRIMARY KEY, b text, new date, newer integer DEFAULT 3);
CREATE FUNCTION up(integer) RETURNS void LANGUAGE sql BEGIN ATOMIC INSERT INTO t (a, b, new) VALUES ($1, 'y', now()) ON CONFLICT (a) DO UPDATE SET b = excluded.b, new = excluded.new; END;
CREATE FUNCTION calls() RETURNS void LANGUAGE sql BEGIN ATOMIC SELECT up(1); END;
COMMENT ON FUNCTION up(integer) IS 'inserts';
GRANT EXECUTE ON FUNCTION up(integer) TO reader;
