CREATE TABLE book (id integer PRIMARY KEY, title text, tags text[], price numeric, sold boolean);
CREATE INDEX book_lower ON book (lower(title) text_pattern_ops);
CREATE UNIQUE INDEX book_unsold ON book (title, price) INCLUDE (id) WHERE NOT sold;
CREATE INDEX book_tags ON book USING gin (tags) WITH (fastupdate = off);
CREATE INDEX book_price ON book (price DESC NULLS LAST, id) WITH (fillfactor = 80);
CREATE INDEX book_hash ON book USING hash (title);
CREATE INDEX book_brin ON book USING brin (id) WITH (pages_per_range = 32);
CREATE INDEX book_sum ON book ((price * 2), (coalesce(title, 'none') COLLATE "C"));
COMMENT ON INDEX book_tags IS 'for the search';
