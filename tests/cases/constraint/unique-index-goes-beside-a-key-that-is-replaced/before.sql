CREATE TABLE c (id int NOT NULL, k int NOT NULL, v int);
CREATE UNIQUE INDEX c_like ON c (id, k);
ALTER TABLE c ADD CONSTRAINT c_key UNIQUE (id, k);
CREATE TABLE r (a int, b int, CONSTRAINT r_fk FOREIGN KEY (a, b) REFERENCES c (id, k));
