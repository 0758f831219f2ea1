CREATE FOREIGN DATA WRAPPER files OPTIONS (debug '3', region '4');
CREATE SERVER shelf TYPE 'wood' VERSION '2' FOREIGN DATA WRAPPER files OPTIONS (host 'there', region 'once');
CREATE FOREIGN TABLE book (id bigint OPTIONS (field 'number') NOT NULL, title text COLLATE "C", year integer CHECK (year > 0)) SERVER shelf OPTIONS (file 'all books');
COMMENT ON FOREIGN TABLE book IS 'all that there is';
CREATE FOREIGN TABLE pen (colour text) SERVER shelf;
CREATE TABLE log (at date, what text) PARTITION BY RANGE (at);
CREATE FOREIGN TABLE log_old PARTITION OF log FOR VALUES FROM ('2000-01-01') TO ('2010-01-01') SERVER shelf;
GRANT SELECT ON book TO PUBLIC;
