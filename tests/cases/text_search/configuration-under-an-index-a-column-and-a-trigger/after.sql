CREATE TEXT SEARCH DICTIONARY stems (TEMPLATE = snowball, LANGUAGE = german, STOPWORDS = german);
CREATE TEXT SEARCH CONFIGURATION en (COPY = english);
ALTER TEXT SEARCH CONFIGURATION en ALTER MAPPING FOR asciiword, word WITH stems, simple;
ALTER TEXT SEARCH CONFIGURATION en DROP MAPPING FOR email;
CREATE TABLE t (id integer, body varchar(99), doc tsvector GENERATED ALWAYS AS (to_tsvector('en', body)) STORED);
CREATE INDEX t_doc ON t USING gin (doc);
CREATE INDEX t_body ON t USING gin (to_tsvector('en', body));
CREATE VIEW v AS SELECT id FROM t WHERE to_tsvector('en', body) @@ to_tsquery('en', 'x');
