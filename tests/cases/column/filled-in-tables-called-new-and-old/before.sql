CREATE TABLE x (id integer PRIMARY KEY, s text);
CREATE TABLE old (id integer PRIMARY KEY, s text);
