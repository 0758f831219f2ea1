CREATE TABLE post (
    id int PRIMARY KEY,
    title text NOT NULL,
    handle text -- @renamed from=slug online
);
CREATE FUNCTION make_slug() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.handle := lower(replace(NEW.title, ' ', '-'));
    RETURN NEW;
END $$;
CREATE TRIGGER make_slug BEFORE INSERT OR UPDATE ON post FOR EACH ROW EXECUTE FUNCTION make_slug();
CREATE FUNCTION slugs() RETURNS SETOF text LANGUAGE sql STABLE AS 'SELECT handle FROM post';
CREATE MATERIALIZED VIEW kept AS SELECT id, handle FROM post;
CREATE INDEX kept_by ON kept (handle);
CREATE RULE gone AS ON DELETE TO post DO INSTEAD UPDATE post SET handle = NULL WHERE post.id = OLD.id;
