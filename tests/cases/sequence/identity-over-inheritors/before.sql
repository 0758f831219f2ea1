CREATE TABLE parent (a text);
CREATE TABLE child (b text) INHERITS (parent);
