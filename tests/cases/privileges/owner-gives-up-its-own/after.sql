CREATE TABLE t (a integer);
REVOKE ALL ON t FROM postgres;
GRANT SELECT ON t TO postgres;
