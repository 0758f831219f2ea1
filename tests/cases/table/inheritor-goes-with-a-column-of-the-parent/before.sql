CREATE TABLE parent (kept integer, gone text DEFAULT 'x' NOT NULL);
CREATE TABLE child (own integer) INHERITS (parent);
ALTER TABLE child ALTER COLUMN gone SET DEFAULT 'y';
