CREATE TABLE p (a integer, b integer, CONSTRAINT old CHECK (b > 0));
CREATE TABLE k () INHERITS (p);
CREATE TABLE l () INHERITS (p);
