-- @renamed from=status
CREATE TYPE state AS ENUM ('new', 'done');
CREATE TABLE job (id integer, state state DEFAULT 'done');
