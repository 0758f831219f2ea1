CREATE TABLE p (a integer, b text, CONSTRAINT pos CHECK (a > 0));
CREATE TABLE k (a integer NOT NULL DEFAULT 3, own text, CONSTRAINT pos CHECK (a > 0)) INHERITS (p);
CREATE TABLE kk () INHERITS (k);
