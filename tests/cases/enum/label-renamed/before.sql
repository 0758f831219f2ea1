CREATE TYPE state AS ENUM (
    'new',
    'done' -- @renamed from=finished
);
CREATE TABLE job (id integer, state state DEFAULT 'done');
CREATE VIEW finished AS SELECT id FROM job WHERE state = 'done';
