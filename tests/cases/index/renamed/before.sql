CREATE TABLE book (id integer, title text);
-- @renamed from=idx_book
CREATE INDEX book_title ON book (title);
COMMENT ON INDEX book_title IS 'short';
