CREATE TABLE coin (id integer PRIMARY KEY,
    worth integer DEFAULT 1 NOT NULL, -- @convert using=worth
    since bigint -- @convert using=extract(epoch FROM since) back=to_timestamp(since)
);
CREATE INDEX ON coin (worth);
CREATE VIEW worths AS SELECT worth FROM coin;
