CREATE TYPE c AS (
    y integer, -- @renamed from=x
    x text     -- @renamed from=y
);
CREATE TYPE e AS ENUM (
    'blue', -- @renamed from='red'
    'red',  -- @renamed from='blue'
    'old'
);
CREATE TABLE t (
    q integer, -- @renamed from=p
    p text,    -- @renamed from=q
    e e DEFAULT 'blue',
    c c,
    CONSTRAINT l CHECK (q > 0),
    CONSTRAINT k CHECK (p <> '')
);
CREATE VIEW v AS SELECT q AS p, p AS q, (c).y AS x FROM t WHERE e = 'red';
