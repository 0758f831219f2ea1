CREATE TABLE event (
    id integer,
    -- @convert using=to_timestamp(at) back=extract(epoch FROM at) instant
    at timestamptz NOT NULL,
    -- @convert using=CASE WHEN event.on_it THEN 1 ELSE 0 END back=on_it<>0 instant
    on_it integer
);
CREATE TABLE special (more text) INHERITS (event);
CREATE TABLE log (
    day date,
    -- @convert using=size::integer back=size::text instant
    size integer
) PARTITION BY RANGE (day);
CREATE TABLE log_2026 PARTITION OF log FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
