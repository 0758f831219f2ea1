CREATE TABLE parent (a text, b text);
CREATE TABLE child () INHERITS (parent);
