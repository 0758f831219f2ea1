CREATE TABLE p (a integer, b text, CONSTRAINT ok CHECK (a > 0));
CREATE TABLE k (own text, a integer, b text, CONSTRAINT ok CHECK (a > 0)) INHERITS (p);
