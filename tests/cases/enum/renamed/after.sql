-- @renamed from=state
CREATE TYPE status AS ENUM ('new', 'done');
CREATE TABLE job (id integer, state status DEFAULT 'done');
