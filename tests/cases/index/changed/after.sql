CREATE TABLE book (id integer PRIMARY KEY, title text, price numeric);
CREATE INDEX book_title ON book (title, price);
CREATE INDEX book_price ON book (price) WHERE price > 20;
ALTER TABLE book CLUSTER ON book_title;
