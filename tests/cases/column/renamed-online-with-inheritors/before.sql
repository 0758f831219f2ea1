CREATE TABLE place (id int PRIMARY KEY, name text CHECK (name <> '') -- @renamed from=title online
);
CREATE TABLE city (people int) INHERITS (place);
CREATE TABLE capital (country text) INHERITS (city);
CREATE INDEX cities ON city (name);
GRANT SELECT (id, name), UPDATE (name) ON place TO reader;
