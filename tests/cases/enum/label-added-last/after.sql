CREATE TYPE number AS ENUM ('one', 'two', 'three', 'it''s four');
CREATE TABLE t (id integer, n number DEFAULT 'two', many number[]);
CREATE INDEX t_n ON t (n);
CREATE VIEW ones AS SELECT id FROM t WHERE n = 'one';
CREATE FUNCTION say(number) RETURNS text LANGUAGE sql IMMUTABLE RETURN $1::text;
