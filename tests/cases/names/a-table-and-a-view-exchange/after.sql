-- @renamed from=a
CREATE TABLE b (id integer CONSTRAINT a_pkey PRIMARY KEY, more text);
-- @renamed from=b
CREATE VIEW a AS SELECT id FROM b;
CREATE VIEW over_b AS SELECT id + 1 AS next FROM a;
