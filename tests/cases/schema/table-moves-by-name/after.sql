CREATE SCHEMA new_place;
CREATE TABLE new_place.crate (id integer PRIMARY KEY, label text);
