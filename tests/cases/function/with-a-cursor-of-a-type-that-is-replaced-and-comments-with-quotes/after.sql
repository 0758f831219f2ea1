CREATE TYPE st AS ENUM ('b', 'a');
CREATE FUNCTION f(x st DEFAULT 'a', VARIADIC ys st[] DEFAULT '{b}') RETURNS TABLE (s st, n integer) LANGUAGE plpgsql AS $f$DECLARE r st; BEGIN RETURN QUERY SELECT x, 2; END$f$;
CREATE FUNCTION g() RETURNS SETOF record LANGUAGE sql AS $$SELECT 'a'::st, 1$$;
CREATE VIEW v AS SELECT s FROM f() UNION ALL SELECT q.a FROM g() AS q(a st, b integer);
COMMENT ON FUNCTION f(st, st[]) IS 'it''s "f" $f$ \ ';
