-- the child's copy is valid, since it had no rows, and no dump says so
CREATE TABLE parent (a integer, b integer);
ALTER TABLE parent ADD CONSTRAINT given CHECK (a IS NOT NULL) NOT VALID;
CREATE TABLE child (c integer) INHERITS (parent);
CREATE TABLE grandchild (d integer) INHERITS (child);
