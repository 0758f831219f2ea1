CREATE TABLE person (id integer, family_name text);
