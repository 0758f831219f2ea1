CREATE TABLE event (
    id integer,
    -- @convert using=extract(epoch FROM at)::bigint back=to_timestamp(at) instant
    at bigint NOT NULL CHECK (at > 0),
    -- @convert using=name instant
    name varchar(20)
);
CREATE INDEX ON event (at);
CREATE VIEW latest AS SELECT max(at) AS at FROM event;
