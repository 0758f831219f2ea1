CREATE TABLE visit (id integer PRIMARY KEY, who text, since date NOT NULL);
