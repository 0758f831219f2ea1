-- within CREATE TABLE PostgreSQL would make one of the two
CREATE TABLE plain (id integer CONSTRAINT plain_key PRIMARY KEY, name text);
ALTER TABLE plain ADD CONSTRAINT again UNIQUE (id);
ALTER TABLE plain ADD CONSTRAINT once_more UNIQUE (id);
CREATE TABLE root (id integer, part integer) PARTITION BY LIST (part);
ALTER TABLE root ADD CONSTRAINT root_key PRIMARY KEY (id, part);
ALTER TABLE root ADD CONSTRAINT root_again UNIQUE (id, part);
