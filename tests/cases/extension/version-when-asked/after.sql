CREATE EXTENSION hstore VERSION '1.7';
CREATE TABLE t (h hstore, i hstore);
