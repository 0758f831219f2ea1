CREATE DOMAIN n AS inet;
CREATE TABLE t (id integer, l n);
