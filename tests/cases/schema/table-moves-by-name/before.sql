CREATE SCHEMA old_place;
CREATE TABLE old_place.crate (id integer PRIMARY KEY, label text);
