CREATE DOMAIN code AS varchar(8) NOT NULL CHECK (VALUE ~ '^[a-z]');
CREATE TYPE pair AS (a int, b text);
CREATE TABLE thing (
    id int,
    code code DEFAULT 'none', -- @renamed from=short online
    other pair,
    UNIQUE (code, id)
);
