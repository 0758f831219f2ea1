CREATE TABLE doc (id integer, body text, raw bytea);
ALTER TABLE doc ALTER body SET STORAGE EXTERNAL, ALTER raw SET STATISTICS 500, ALTER id SET (n_distinct = -0.5);
ALTER TABLE doc ALTER raw SET COMPRESSION pglz;
