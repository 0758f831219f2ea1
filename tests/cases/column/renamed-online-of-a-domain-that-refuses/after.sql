CREATE DOMAIN code AS varchar(8) NOT NULL CHECK (VALUE ~ '^[a-z]');
CREATE TYPE pair AS (a int, b text);
CREATE TABLE thing (
    id int,
    short code DEFAULT 'none', -- @renamed from=code online
    other pair,
    UNIQUE (short, id)
);
