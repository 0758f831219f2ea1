CREATE FUNCTION cmp(a text, b text) RETURNS integer LANGUAGE sql IMMUTABLE RETURN length(a) - length(b);
CREATE OPERATOR CLASS by_size FOR TYPE text USING btree AS OPERATOR 1 < , OPERATOR 2 <= , OPERATOR 3 = , OPERATOR 4 >= , OPERATOR 5 > , FUNCTION 1 cmp(text, text);
CREATE TABLE t (a text);
CREATE INDEX t_a ON t (a by_size DESC);
