CREATE TABLE old_log (id integer PRIMARY KEY);
CREATE TABLE entry (log integer CONSTRAINT e REFERENCES old_log);
