CREATE FOREIGN DATA WRAPPER files OPTIONS (debug '1', timeout '2');
CREATE SERVER shelf TYPE 'wood' VERSION '1' FOREIGN DATA WRAPPER files OPTIONS (host 'here');
CREATE FOREIGN TABLE book (id integer OPTIONS (field 'no') NOT NULL, title text DEFAULT 'none') SERVER shelf OPTIONS (file 'books', format 'csv');
COMMENT ON FOREIGN TABLE book IS 'on the shelf';
COMMENT ON SERVER shelf IS 'of wood';
