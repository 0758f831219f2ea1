CREATE TABLE event (id integer PRIMARY KEY, body json NOT NULL DEFAULT '{}'::json, kind text GENERATED ALWAYS AS (body ->> 'kind') STORED);
CREATE VIEW kinds AS SELECT DISTINCT kind FROM event;
