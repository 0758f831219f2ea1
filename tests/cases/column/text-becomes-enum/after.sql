CREATE TYPE state AS ENUM ('open', 'closed');
CREATE TABLE door (id integer, state state NOT NULL DEFAULT 'open');
