CREATE TEXT SEARCH DICTIONARY stems (TEMPLATE = snowball, LANGUAGE = english);
CREATE TEXT SEARCH CONFIGURATION en (COPY = simple);
ALTER TEXT SEARCH CONFIGURATION en ALTER MAPPING FOR asciiword, word WITH stems;
CREATE TABLE t (id integer, body text, doc tsvector GENERATED ALWAYS AS (to_tsvector('en', body)) STORED);
CREATE INDEX t_doc ON t USING gin (doc);
CREATE INDEX t_body ON t USING gin (to_tsvector('en', body));
CREATE VIEW v AS SELECT id FROM t WHERE to_tsvector('en', body) @@ to_tsquery('en', 'x');
