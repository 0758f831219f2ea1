CREATE TABLE place (id integer PRIMARY KEY,
    size integer DEFAULT 1 NOT NULL CHECK (size >= 0), -- @convert using=size
    note text);
CREATE TABLE town (mayor text, PRIMARY KEY (id), CONSTRAINT small CHECK (size < 1000000)) INHERITS (place);
CREATE TABLE capital (since date) INHERITS (town);
CREATE TABLE elsewhere (id integer PRIMARY KEY);
CREATE INDEX ON place (size);
CREATE INDEX town_size ON town (size, mayor) WHERE size > 10;
CREATE UNIQUE INDEX ON capital (size, since);
ALTER TABLE town ALTER size SET DEFAULT 5;
COMMENT ON COLUMN town.size IS 'people';
CREATE VIEW towns AS SELECT id, size FROM ONLY town;
CREATE VIEW places AS SELECT size, count(*) AS places FROM place GROUP BY size;
