CREATE TABLE event (id integer PRIMARY KEY, body jsonb NOT NULL DEFAULT '{}'::jsonb, kind text GENERATED ALWAYS AS (body ->> 'kind') STORED);
CREATE INDEX event_body ON event USING gin (body jsonb_path_ops);
CREATE VIEW kinds AS SELECT DISTINCT kind FROM event;
