CREATE TYPE state AS ENUM ('new', 'old', 'gone');
CREATE TABLE ship (id int PRIMARY KEY, state state);
CREATE MATERIALIZED VIEW ships AS SELECT id, state FROM ship;
CREATE INDEX by_state ON ships (state);
CREATE UNIQUE INDEX ON ships (id);
