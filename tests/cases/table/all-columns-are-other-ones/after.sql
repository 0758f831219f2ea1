CREATE TABLE t (x uuid PRIMARY KEY DEFAULT gen_random_uuid(), y jsonb NOT NULL DEFAULT '[]', CHECK (y <> '{}'));
CREATE VIEW v AS SELECT * FROM t;
