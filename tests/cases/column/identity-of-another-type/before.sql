CREATE TABLE delta (h text DEFAULT '1' NOT NULL, more text);
CREATE TABLE theta (a integer) INHERITS (delta);
CREATE TABLE plain (id uuid, n numeric(5, 2));
