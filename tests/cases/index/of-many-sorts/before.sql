CREATE TABLE book (id integer PRIMARY KEY, title text, tags text[], price numeric, sold boolean);
