CREATE TABLE t (id integer PRIMARY KEY, a text, u uuid DEFAULT gen_random_uuid(), v uuid DEFAULT gen_random_uuid());
