CREATE TYPE e AS ENUM (
    'a',
    'bb', -- @renamed from=b
    'c'
);
CREATE TABLE t (v e DEFAULT 'c', CONSTRAINT k CHECK (v IN ('a', 'bb', 'c')));
CREATE INDEX t_v ON t (v) WHERE v = 'bb';
