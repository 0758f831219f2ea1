CREATE TABLE t (
    key int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, -- @renamed from=id online
    a text
);
GRANT USAGE ON SEQUENCE t_key_seq TO pg_monitor;
CREATE TABLE s (
    key serial PRIMARY KEY, -- @renamed from=id online
    a text
);
