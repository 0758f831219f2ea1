CREATE TABLE book (id integer PRIMARY KEY, title text, price numeric);
CREATE INDEX book_title ON book (title);
CREATE INDEX book_price ON book (price) WHERE price > 10;
ALTER TABLE book CLUSTER ON book_title;
