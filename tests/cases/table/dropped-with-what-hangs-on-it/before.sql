CREATE TABLE kept (id integer PRIMARY KEY);
CREATE TABLE gone (id integer PRIMARY KEY, kept integer REFERENCES kept, note text);
CREATE INDEX gone_note ON gone (note);
CREATE VIEW notes AS SELECT note FROM gone;
CREATE VIEW long_notes AS SELECT note FROM notes WHERE length(note) > 10;
COMMENT ON COLUMN gone.note IS 'free text';
