CREATE DOMAIN d AS integer DEFAULT 1;
CREATE TYPE c AS (d d);
CREATE TABLE t (c c, ds d[]);
