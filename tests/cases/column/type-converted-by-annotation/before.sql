CREATE TABLE event (
    id integer,
    -- @convert using=extract(epoch from at)::bigint
    at bigint
);
