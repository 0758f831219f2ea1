CREATE TABLE plain (id integer CONSTRAINT plain_key PRIMARY KEY, name text NOT NULL DEFAULT 'x');
ALTER TABLE plain ADD CONSTRAINT again UNIQUE (id);
ALTER TABLE plain ADD CONSTRAINT once_more UNIQUE (id);
CREATE TABLE root (id integer, part integer) PARTITION BY LIST (part);
ALTER TABLE root ADD CONSTRAINT root_key PRIMARY KEY (id, part);
CREATE TABLE fresh (id integer);
ALTER TABLE fresh ADD CONSTRAINT one UNIQUE (id);
ALTER TABLE fresh ADD CONSTRAINT two UNIQUE (id);
ALTER TABLE fresh ADD CONSTRAINT three PRIMARY KEY (id);
