-- @renamed from=ship
CREATE TABLE vessel (id integer CONSTRAINT ship_pkey PRIMARY KEY, name text NOT NULL, owner integer);
CREATE INDEX ship_name ON vessel (name);
CREATE TABLE cargo (ship integer REFERENCES vessel, what text);
CREATE VIEW fleet AS SELECT id, name FROM vessel;
