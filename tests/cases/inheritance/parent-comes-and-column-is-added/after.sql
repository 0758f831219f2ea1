CREATE TABLE base (id integer NOT NULL, name text, since date DEFAULT '2026-01-01' CHECK (since > '2000-01-01'));
CREATE TABLE child (extra text) INHERITS (base);
CREATE TABLE second () INHERITS (base);
ALTER TABLE second ALTER name SET DEFAULT 'nobody';
