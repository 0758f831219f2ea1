CREATE FUNCTION token() RETURNS text LANGUAGE sql VOLATILE RETURN md5(random()::text);
CREATE TABLE t (
    id integer PRIMARY KEY,
    a text,
    public_id uuid DEFAULT gen_random_uuid() NOT NULL,
    number serial NOT NULL UNIQUE,
    seen timestamptz DEFAULT clock_timestamp(),
    token text DEFAULT token() NOT NULL,
    made timestamptz DEFAULT now() NOT NULL
);
CREATE TABLE parent (id integer PRIMARY KEY, key uuid DEFAULT gen_random_uuid() NOT NULL);
CREATE TABLE child (b text) INHERITS (parent);
CREATE TABLE whole (id integer NOT NULL, k integer NOT NULL, key uuid DEFAULT gen_random_uuid() NOT NULL) PARTITION BY RANGE (k);
CREATE TABLE part_1 PARTITION OF whole FOR VALUES FROM (0) TO (10);
CREATE TABLE part_2 PARTITION OF whole FOR VALUES FROM (10) TO (20);
