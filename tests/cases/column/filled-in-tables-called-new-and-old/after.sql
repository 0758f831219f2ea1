-- @renamed from=x
CREATE TABLE new (
    id integer PRIMARY KEY,
    s text,
    u text NOT NULL -- @backfill using=upper(new.s)
);
CREATE TABLE old (
    id integer PRIMARY KEY,
    s text,
    u text NOT NULL -- @backfill using=coalesce((SELECT max(new.s) FROM new WHERE new.id < old.id), s, '')
);
