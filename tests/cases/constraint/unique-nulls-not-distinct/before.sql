CREATE TABLE slot (a integer, b integer, CONSTRAINT one UNIQUE (a, b));
