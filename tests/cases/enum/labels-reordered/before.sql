CREATE TYPE size AS ENUM ('small', 'large', 'medium');
CREATE TABLE shirt (id integer, size size NOT NULL);
CREATE INDEX shirt_size ON shirt (size);
