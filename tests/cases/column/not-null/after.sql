CREATE TABLE visit (id integer PRIMARY KEY, who text NOT NULL, since date);
