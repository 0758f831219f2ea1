CREATE TABLE c (id int NOT NULL, k int NOT NULL, v int, CONSTRAINT c_key UNIQUE (id, k) INCLUDE (v));
CREATE TABLE r (a int, b int, CONSTRAINT r_fk FOREIGN KEY (a, b) REFERENCES c (id, k));
