CREATE TYPE state AS ENUM ('open', 'closed');
CREATE TABLE door (id integer, state text NOT NULL DEFAULT 'open');
