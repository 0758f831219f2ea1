-- @renamed from=vessel
CREATE TABLE ship (id integer PRIMARY KEY, name text NOT NULL, owner integer);
CREATE INDEX ship_name ON ship (name);
CREATE TABLE cargo (ship integer REFERENCES ship, what text);
CREATE VIEW fleet AS SELECT id, name FROM ship;
