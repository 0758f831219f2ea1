CREATE TABLE book (id integer, title text);
CREATE INDEX book_title ON book (title) WITH (fillfactor = 70, deduplicate_items = off);
