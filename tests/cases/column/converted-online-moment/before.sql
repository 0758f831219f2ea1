CREATE TABLE event (
    id integer GENERATED ALWAYS AS IDENTITY,
    -- @convert using=extract(epoch FROM at)::bigint back=to_timestamp(at)
    at bigint,
    -- @convert using=day::date
    day date DEFAULT '2026-01-01',
    -- @convert using=tags[1] back=ARRAY[tags]
    tags text
);
CREATE INDEX ON event (at);
CREATE RULE quiet AS ON DELETE TO event WHERE OLD.at IS NULL DO INSTEAD NOTHING;
