CREATE TABLE zero (id integer PRIMARY KEY);
