CREATE TYPE state AS ENUM (
    'new',
    'finished' -- @renamed from=done
);
CREATE TABLE job (id integer, state state DEFAULT 'finished');
CREATE VIEW finished AS SELECT id FROM job WHERE state = 'finished';
