CREATE FUNCTION cmp(text, text) RETURNS integer LANGUAGE sql IMMUTABLE RETURN length($1) - length($2);
CREATE OPERATOR CLASS by_length FOR TYPE text USING btree AS OPERATOR 1 < , OPERATOR 2 <= , OPERATOR 3 = , OPERATOR 4 >= , OPERATOR 5 > , FUNCTION 1 cmp(text, text);
CREATE TABLE t (a text);
CREATE INDEX t_a ON t (a by_length);
