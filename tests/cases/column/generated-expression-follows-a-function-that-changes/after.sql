CREATE FUNCTION slug(t text, sep text DEFAULT '-') RETURNS text LANGUAGE sql IMMUTABLE RETURN replace(lower(t), ' ', sep);
CREATE TABLE page (id integer PRIMARY KEY, title text NOT NULL, slug text GENERATED ALWAYS AS (slug(title)) STORED CONSTRAINT page_slug UNIQUE);
CREATE INDEX page_title ON page (slug(title));
CREATE VIEW pages AS SELECT slug, slug(title) AS again FROM page;
