CREATE TABLE owner (id integer PRIMARY KEY);
CREATE TABLE ship (id serial PRIMARY KEY, no integer GENERATED ALWAYS AS IDENTITY, name text UNIQUE, owner integer REFERENCES owner, CHECK (owner > 0));
CREATE INDEX ON ship (owner);
CREATE INDEX ON ship (lower(name));
CREATE TABLE cargo (ship integer REFERENCES ship, name text REFERENCES ship (name));
CREATE DOMAIN knots AS integer CHECK (VALUE > 0);
GRANT USAGE ON SEQUENCE ship_id_seq, ship_no_seq TO writer;
COMMENT ON INDEX ship_owner_idx IS 'by owner';
