CREATE TABLE base (id integer NOT NULL, name text);
CREATE TABLE child (id integer NOT NULL, name text, extra text);
