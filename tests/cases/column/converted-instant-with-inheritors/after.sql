CREATE TABLE event (
    id integer,
    -- @convert using=extract(epoch FROM at)::bigint back=to_timestamp(at) instant
    at bigint NOT NULL,
    -- @convert using=on_it<>0 back=CASE WHEN event.on_it THEN 1 ELSE 0 END instant
    on_it boolean
);
CREATE TABLE special (more text) INHERITS (event);
CREATE TABLE log (
    day date,
    -- @convert using=size::text back=size::integer instant
    size text
) PARTITION BY RANGE (day);
CREATE TABLE log_2026 PARTITION OF log FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
