CREATE TABLE t (
    id integer PRIMARY KEY,
    code integer -- @renamed from=number
);
CREATE VIEW v AS SELECT id, code FROM t;
CREATE INDEX t_code ON t (code);
