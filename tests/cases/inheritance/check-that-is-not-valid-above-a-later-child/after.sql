CREATE TABLE parent (a integer, b text);
ALTER TABLE parent ADD CONSTRAINT given CHECK (a IS NOT NULL);
CREATE TABLE child (c integer) INHERITS (parent);
CREATE TABLE grandchild (d integer) INHERITS (child);
