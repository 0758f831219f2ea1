CREATE FUNCTION shown(what anyelement) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT what::text || '!' $$;
