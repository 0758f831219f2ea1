CREATE TABLE p (a integer, b text, CONSTRAINT pos CHECK (a > 1));
CREATE TABLE k (a integer NOT NULL DEFAULT 4, own text, CONSTRAINT pos CHECK (a > 1)) INHERITS (p);
CREATE TABLE kk () INHERITS (k);
