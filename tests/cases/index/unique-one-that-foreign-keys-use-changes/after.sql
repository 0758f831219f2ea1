CREATE TABLE p (a integer, b integer);
CREATE UNIQUE INDEX p_u ON p (a) INCLUDE (b) WITH (fillfactor = 60);
CREATE TABLE c (x integer CONSTRAINT c_p REFERENCES p (a) ON UPDATE CASCADE);
COMMENT ON CONSTRAINT c_p ON c IS 'see p';
