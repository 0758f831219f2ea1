CREATE TABLE owner (id integer PRIMARY KEY);
-- @renamed from=ship
CREATE TABLE vessel (
    id bigserial PRIMARY KEY,
    no integer GENERATED ALWAYS AS IDENTITY,
    title text UNIQUE, -- @renamed from=name
    owner integer REFERENCES owner,
    CHECK (owner > 0)
);
CREATE INDEX ON vessel (owner);
CREATE INDEX ON vessel (lower(title));
CREATE TABLE cargo (ship integer REFERENCES vessel, name text REFERENCES vessel (title));
-- @renamed from=knots
CREATE DOMAIN speed AS integer CHECK (VALUE > 0);
GRANT USAGE ON SEQUENCE vessel_id_seq, vessel_no_seq TO writer;
COMMENT ON INDEX vessel_owner_idx IS 'by owner';
