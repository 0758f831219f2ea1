CREATE TYPE state AS ENUM ('new', 'old');
CREATE TABLE ship (id int PRIMARY KEY, state state);
CREATE MATERIALIZED VIEW ships AS SELECT id, state FROM ship;
CREATE INDEX by_state ON ships (state) WITH (fillfactor = 80);
CREATE UNIQUE INDEX ON ships (id);
