CREATE TABLE guest (id integer PRIMARY KEY, name text, fax text);
