CREATE TABLE post (id integer, tags text);
