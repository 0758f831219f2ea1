CREATE TEXT SEARCH DICTIONARY plain (TEMPLATE = simple, accept = false);
CREATE TEXT SEARCH DICTIONARY german (TEMPLATE = snowball, language = german);
CREATE TEXT SEARCH CONFIGURATION words (PARSER = "default");
ALTER TEXT SEARCH CONFIGURATION words ADD MAPPING FOR asciiword WITH plain, german;
ALTER TEXT SEARCH CONFIGURATION words ADD MAPPING FOR numword WITH simple;
CREATE TABLE doc (id integer, body text);
CREATE INDEX doc_words ON doc USING gin (to_tsvector('words', body));
COMMENT ON TEXT SEARCH CONFIGURATION words IS 'for documents';
COMMENT ON TEXT SEARCH DICTIONARY german IS 'stems';
