CREATE TABLE event (
    id integer,
    -- @convert using=to_timestamp(at) back=extract(epoch FROM at) instant
    at timestamptz NOT NULL CHECK (at > '1970-01-01 00:00:00+00'),
    -- @convert using=name
    name varchar(40)
);
CREATE INDEX ON event (at);
CREATE VIEW latest AS SELECT max(at) AS at FROM event;
