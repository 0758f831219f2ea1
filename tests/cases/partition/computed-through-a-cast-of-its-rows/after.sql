CREATE FUNCTION shown(what anyelement) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT what::text || '!' $$;
CREATE TABLE root (f integer, said text GENERATED ALWAYS AS (shown(f)) STORED, key integer NOT NULL) PARTITION BY HASH (key);
CREATE FUNCTION as_text(it root) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT (it.f)::text $$;
CREATE CAST (root AS text) WITH FUNCTION as_text(root);
