CREATE DOMAIN cents AS bigint;
CREATE DOMAIN moment AS timestamptz;
CREATE TABLE coin (id integer PRIMARY KEY,
    worth cents DEFAULT 1 NOT NULL, -- @convert using=worth
    since moment -- @convert using=to_timestamp(since) back=extract(epoch FROM since)
);
CREATE INDEX ON coin (worth);
CREATE VIEW worths AS SELECT worth FROM coin;
