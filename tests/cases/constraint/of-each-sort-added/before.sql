CREATE TABLE room (id integer NOT NULL, floor integer NOT NULL, code text, during tsrange, parent integer);
