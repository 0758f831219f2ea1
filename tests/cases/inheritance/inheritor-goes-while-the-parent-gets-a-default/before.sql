CREATE TABLE parent (a bigint, b text DEFAULT 'b');
CREATE TABLE child (c integer) INHERITS (parent);
ALTER TABLE child ALTER b DROP DEFAULT;
