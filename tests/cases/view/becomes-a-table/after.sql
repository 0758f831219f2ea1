CREATE TABLE report (id integer, line text);
