CREATE TABLE person (id integer, mail text);
