CREATE TABLE p (a integer, b text, CONSTRAINT p_ab UNIQUE (a, b));
CREATE TABLE c (a integer, b text, CONSTRAINT c_p FOREIGN KEY (b, a) REFERENCES p (b, a));
