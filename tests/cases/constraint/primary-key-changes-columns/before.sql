CREATE TABLE seat (row integer NOT NULL, number integer NOT NULL, PRIMARY KEY (row, number));
CREATE TABLE ticket (id integer PRIMARY KEY, row integer, number integer, CONSTRAINT at FOREIGN KEY (row, number) REFERENCES seat);
