CREATE TABLE event (
    id integer GENERATED ALWAYS AS IDENTITY,
    -- @convert using=to_timestamp(at) back=extract(epoch FROM at)
    at timestamptz,
    -- @convert using=day::timestamptz
    day timestamptz DEFAULT '2026-01-01 00:00:00+00',
    -- @convert using=ARRAY[tags] back=tags[1]
    tags text[]
);
CREATE INDEX ON event (at);
CREATE RULE quiet AS ON DELETE TO event WHERE OLD.at IS NULL DO INSTEAD NOTHING;
