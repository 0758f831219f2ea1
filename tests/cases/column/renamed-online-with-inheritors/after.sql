CREATE TABLE place (id int PRIMARY KEY, title text CHECK (title <> '') -- @renamed from=name online
);
CREATE TABLE city (people int) INHERITS (place);
CREATE TABLE capital (country text) INHERITS (city);
CREATE INDEX cities ON city (title);
GRANT SELECT (id, title), UPDATE (title) ON place TO reader;
