CREATE TABLE log (what text);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM FROM log; RETURN NEW; END $$;
CREATE FUNCTION has_notes() RETURNS boolean LANGUAGE sql AS $$ SELECT count(*) >= 0 FROM log $$;
CREATE TABLE ship (id int PRIMARY KEY, name text, loud text NOT NULL, -- @backfill using=upper(name)
    known boolean NOT NULL DEFAULT has_notes(),
    CHECK (has_notes())
);
CREATE TRIGGER noted AFTER UPDATE ON ship FOR EACH ROW EXECUTE FUNCTION note();
