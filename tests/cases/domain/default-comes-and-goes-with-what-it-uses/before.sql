CREATE FUNCTION one() RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint';
CREATE DOMAIN numbered AS bigint DEFAULT one();
CREATE DOMAIN plain AS text;
CREATE DOMAIN spoken AS text DEFAULT 'x';
CREATE TABLE t (id integer, a numbered, b plain, c spoken);
