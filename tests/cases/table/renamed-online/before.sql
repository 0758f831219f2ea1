CREATE TABLE owner (id integer PRIMARY KEY);
CREATE TABLE ship (
    id serial PRIMARY KEY,
    no integer GENERATED ALWAYS AS IDENTITY,
    name text NOT NULL UNIQUE,
    tons numeric CHECK (tons > 0),
    heavy boolean GENERATED ALWAYS AS (tons > 1000) STORED,
    owner integer REFERENCES owner,
    seen timestamptz DEFAULT now()
);
CREATE INDEX ON ship (lower(name));
CREATE TABLE cargo (id integer PRIMARY KEY, ship integer REFERENCES ship);
CREATE VIEW heavy AS SELECT id, name FROM ship WHERE heavy;
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.seen := now(); RETURN NEW; END$$;
CREATE TRIGGER stamp BEFORE UPDATE OF name ON ship FOR EACH ROW EXECUTE FUNCTION stamp();
CREATE FUNCTION ships() RETURNS bigint LANGUAGE plpgsql AS $$BEGIN RETURN (SELECT count(*) FROM ship); END$$;
GRANT SELECT, INSERT ON ship TO reader;
GRANT UPDATE (tons) ON ship TO writer;
COMMENT ON TABLE ship IS 'what floats';
