CREATE TABLE post (
    id int PRIMARY KEY,
    title text NOT NULL,
    slug text -- @renamed from=handle online
);
CREATE FUNCTION make_slug() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.slug := lower(replace(NEW.title, ' ', '-'));
    RETURN NEW;
END $$;
CREATE TRIGGER make_slug BEFORE INSERT OR UPDATE ON post FOR EACH ROW EXECUTE FUNCTION make_slug();
CREATE FUNCTION slugs() RETURNS SETOF text LANGUAGE sql STABLE AS 'SELECT slug FROM post';
CREATE MATERIALIZED VIEW kept AS SELECT id, slug FROM post;
CREATE INDEX kept_by ON kept (slug);
CREATE RULE gone AS ON DELETE TO post DO INSTEAD UPDATE post SET slug = NULL WHERE post.id = OLD.id;
