CREATE TABLE base (id integer NOT NULL, name text);
CREATE TABLE child (extra text) INHERITS (base);
