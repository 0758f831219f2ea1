CREATE TABLE secret (a text, b text);
GRANT SELECT, INSERT ON secret TO PUBLIC;
GRANT SELECT (a) ON secret TO reader WITH GRANT OPTION;
GRANT SELECT (b) ON secret TO reader;
