CREATE FUNCTION area(a integer, b integer) RETURNS integer LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'SELECT b * a';
CREATE FUNCTION area(a numeric, b numeric DEFAULT 1) RETURNS numeric LANGUAGE sql SECURITY DEFINER SET search_path = '' AS 'SELECT a * b';
CREATE FUNCTION twice(t text) RETURNS text LANGUAGE plpgsql AS $body$
BEGIN
    -- a dollar: $$ and a quote: '
    RETURN t || ' ' || t;
END $body$;
COMMENT ON FUNCTION area(numeric, numeric) IS 'of a field';
