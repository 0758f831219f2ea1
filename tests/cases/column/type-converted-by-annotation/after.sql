CREATE TABLE event (
    id integer,
    -- @convert using=to_timestamp(at)
    at timestamptz
);
