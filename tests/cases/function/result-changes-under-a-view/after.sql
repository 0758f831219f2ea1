CREATE FUNCTION now_or(text) RETURNS date LANGUAGE sql STABLE AS 'SELECT coalesce($1::date, current_date)';
CREATE VIEW clock AS SELECT now_or(NULL) AS t;
GRANT EXECUTE ON FUNCTION now_or(text) TO reader;
REVOKE ALL ON FUNCTION now_or(text) FROM PUBLIC;
