CREATE TABLE ticket (id integer PRIMARY KEY, state varchar(20), note text);
