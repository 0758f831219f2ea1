CREATE TABLE parent (m text DEFAULT 'x' NOT NULL);
CREATE TABLE child () INHERITS (parent);
