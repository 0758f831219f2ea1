CREATE TABLE secret (a text, b text);
GRANT SELECT, INSERT ON secret TO reader;
GRANT SELECT (a) ON secret TO reader WITH GRANT OPTION;
GRANT SELECT (b), UPDATE (b) ON secret TO reader;
