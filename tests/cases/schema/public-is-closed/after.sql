REVOKE ALL ON SCHEMA public FROM PUBLIC;
CREATE TABLE t (id integer);
COMMENT ON SCHEMA public IS 'for some';
