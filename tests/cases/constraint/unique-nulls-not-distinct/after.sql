CREATE TABLE slot (a integer, b integer, CONSTRAINT one UNIQUE NULLS NOT DISTINCT (a, b) INCLUDE (b));
