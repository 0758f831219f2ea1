CREATE TYPE size AS ENUM ('small', 'medium', 'large');
CREATE TABLE shirt (id integer, size size NOT NULL);
CREATE INDEX shirt_size ON shirt (size);
