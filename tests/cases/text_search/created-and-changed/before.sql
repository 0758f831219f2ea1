CREATE TEXT SEARCH DICTIONARY plain (TEMPLATE = simple, stopwords = english);
CREATE TEXT SEARCH CONFIGURATION words (PARSER = "default");
ALTER TEXT SEARCH CONFIGURATION words ADD MAPPING FOR asciiword, word WITH plain, english_stem;
CREATE TABLE doc (id integer, body text);
CREATE INDEX doc_words ON doc USING gin (to_tsvector('words', body));
