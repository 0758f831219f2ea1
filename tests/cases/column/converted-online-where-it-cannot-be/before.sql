CREATE TABLE t (
    -- @convert using=a
    a integer,
    b integer GENERATED ALWAYS AS (a * 2) STORED);
CREATE TABLE p (a integer,
    -- @convert using=b
    b integer) PARTITION BY LIST (a);
CREATE TABLE x (
    -- @convert using=r::text::int4range back=r::text::int8range
    r int4range, EXCLUDE USING gist (r WITH &&));
CREATE DOMAIN positive AS bigint CHECK (VALUE > 0);
CREATE TABLE d (
    -- @convert using=a
    a numeric);
