CREATE TABLE p (a integer, b text);
CREATE TABLE k (b text) INHERITS (p);
CREATE TABLE l () INHERITS (p);
