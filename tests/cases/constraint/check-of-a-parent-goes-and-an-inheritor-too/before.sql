CREATE FUNCTION sound(a integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT a > 0 $$;
CREATE TABLE parent (a integer CONSTRAINT is_sound CHECK (sound(a)));
CREATE TABLE child (b integer) INHERITS (parent);
CREATE MATERIALIZED VIEW seen AS SELECT a FROM child;
