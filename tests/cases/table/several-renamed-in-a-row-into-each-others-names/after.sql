-- @renamed from=b
CREATE TABLE c (id integer);
-- @renamed from=a
CREATE TABLE b (id integer);
CREATE VIEW v AS SELECT b.id FROM b, c;
