CREATE TABLE person (id integer, surname text);
