CREATE TABLE item (id integer PRIMARY KEY, tenant text NOT NULL, name text);
CREATE TABLE part (id integer PRIMARY KEY);
