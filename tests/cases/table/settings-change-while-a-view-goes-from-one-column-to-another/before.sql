CREATE TABLE t (i integer NOT NULL, c bigint NOT NULL);
CREATE VIEW v AS SELECT c::text AS at_last FROM t WHERE i IS NOT NULL;
