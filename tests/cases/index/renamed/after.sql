CREATE TABLE book (id integer, title text);
-- @renamed from=book_title
CREATE INDEX idx_book ON book (title);
COMMENT ON INDEX idx_book IS 'short';
