CREATE TABLE p (a integer);
CREATE TABLE k (b text) INHERITS (p);
CREATE TABLE l () INHERITS (p);
