CREATE UNLOGGED TABLE cache (key text PRIMARY KEY, value jsonb NOT NULL DEFAULT '{}') WITH (fillfactor = 70);
CREATE TABLE empty_one ();
CREATE TABLE wide (
    a bit(3), b bit varying(9), c character(4), d character varying(12)[], e numeric(12, 3), f time(3) with time zone,
    g interval day to second(2), h point, i inet[], j xml, k tsvector, l double precision[][], m "char", n name, o oid,
    p uuid DEFAULT gen_random_uuid(), q int4range, r timestamp(0) DEFAULT CURRENT_TIMESTAMP, s money, t bytea DEFAULT '\x00ff'
);
COMMENT ON COLUMN wide.t IS 'two bytes';
