CREATE TABLE p (a integer, b text);
CREATE UNIQUE INDEX p_ab ON p (a, b);
CREATE TABLE c (a integer, b text, CONSTRAINT c_p FOREIGN KEY (a, b) REFERENCES p (a, b) MATCH FULL);
