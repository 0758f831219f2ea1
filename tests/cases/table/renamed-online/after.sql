CREATE TABLE owner (id integer PRIMARY KEY);
-- @renamed from=ship online
CREATE TABLE vessel (
    id serial PRIMARY KEY,
    no integer GENERATED ALWAYS AS IDENTITY,
    title text NOT NULL UNIQUE, -- @renamed from=name instant
    tons numeric CHECK (tons > 0),
    heavy boolean GENERATED ALWAYS AS (tons > 1000) STORED,
    owner integer NOT NULL DEFAULT 1 REFERENCES owner,
    seen timestamptz DEFAULT now(),
    flag text
);
CREATE INDEX ON vessel (lower(title));
CREATE INDEX ON vessel (owner);
CREATE TABLE cargo (id integer PRIMARY KEY, ship integer REFERENCES vessel, at date);
CREATE VIEW heavy AS SELECT id, title AS name, flag FROM vessel WHERE heavy;
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.seen := now(); RETURN NEW; END$$;
CREATE TRIGGER stamp BEFORE UPDATE OF title ON vessel FOR EACH ROW EXECUTE FUNCTION stamp();
CREATE FUNCTION ships() RETURNS bigint LANGUAGE plpgsql AS $$BEGIN RETURN (SELECT count(*) FROM vessel); END$$;
GRANT SELECT, INSERT ON vessel TO reader;
GRANT UPDATE (tons) ON vessel TO writer;
COMMENT ON TABLE vessel IS 'what floats';
