-- Shapes that PostgreSQL deparses in one way when they are first loaded, and in another when that text is.

CREATE TABLE orders (
    id bigint PRIMARY KEY,
    state varchar(20) NOT NULL,
    code char(3),
    label varchar COLLATE "C",
    price numeric(10, 2),
    low int2,
    big int8,
    at timestamptz,
    day date,
    span interval,
    tags varchar[],
    raw jsonb,
    bits bit(3),
    "when" timestamp DEFAULT NULL,
    note text DEFAULT NULL,
    number numeric(6, 2) DEFAULT NULL,
    short varchar(10) DEFAULT NULL,
    moment timestamp(3) DEFAULT NULL,
    words varchar(10)[] DEFAULT ARRAY['a', 'b'],
    pause interval DEFAULT '1 hour 30 minutes',
    pause_to_seconds interval(0) DEFAULT '90 seconds',
    since timestamptz DEFAULT '2020-01-01',
    until date DEFAULT 'infinity',
    amount numeric DEFAULT -1,
    small int2 DEFAULT -1,
    ratio float4 DEFAULT 1.5,
    flag bool DEFAULT 'yes',
    mask bit(3) DEFAULT B'101',
    bytes bytea DEFAULT '\x00ff',
    fixed char(5) DEFAULT 'ab',
    one "char" DEFAULT 'x',
    kind name DEFAULT 'k',
    range int4range DEFAULT '[1,5]',
    shout text GENERATED ALWAYS AS (upper(code) || '-' || state) STORED
);

-- IN over varchar, in a check
ALTER TABLE orders
    ADD CONSTRAINT state_in CHECK (state IN ('new', 'paid', 'sent')),
    ADD CONSTRAINT state_any CHECK (state = ANY (ARRAY['new', 'paid', 'sent', 'x']::varchar[])),
    ADD CONSTRAINT state_array CHECK ((state)::text = ANY ((ARRAY['new'::character varying, 'paid'::character varying])::text[]) OR true),
    ADD CONSTRAINT state_not_in CHECK (state NOT IN ('lost', 'gone')),
    ADD CONSTRAINT code_in CHECK (code IN ('eur', 'usd')),
    ADD CONSTRAINT label_in CHECK (label IN ('a', 'b') OR label LIKE 'c%'),
    ADD CONSTRAINT one_only CHECK (state IN ('new') OR TRUE),
    ADD CONSTRAINT low_in CHECK (low IN (1, 2, 3)),
    ADD CONSTRAINT big_in CHECK (big IN (1, 2, 3) AND big <> ALL (ARRAY[7, 8])),
    ADD CONSTRAINT price_in CHECK (price IN (1, 2.5) OR price > 0),
    ADD CONSTRAINT between_symmetric CHECK (price BETWEEN SYMMETRIC 100 AND 1),
    ADD CONSTRAINT not_between CHECK (price NOT BETWEEN 5 AND 6),
    ADD CONSTRAINT nested CHECK ((price > 0 AND (low > 0 AND (big > 0 OR low < 5))) OR price IS NULL),
    ADD CONSTRAINT extracted CHECK (extract(year FROM day) > 2000 AND date_part('month', at AT TIME ZONE 'UTC') > 0),
    ADD CONSTRAINT spans CHECK (span < interval '1 day' + '2 hours'::interval AND span > interval '3' minute),
    ADD CONSTRAINT distinct_from CHECK (low IS DISTINCT FROM big AND (low IS NOT NULL) IS TRUE),
    ADD CONSTRAINT rows CHECK ((low, big) < (10, 20) OR ROW(low, big) = ROW(1, 2)),
    ADD CONSTRAINT matches CHECK (state SIMILAR TO 'n(e|o)w' OR state ~ '^[a-z]+$' OR state NOT ILIKE 'X%'),
    ADD CONSTRAINT trimmed CHECK (trim(both ' ' FROM state) = state AND substring(state FROM 1 FOR 2) <> '' AND position('a' IN state) >= 0),
    ADD CONSTRAINT overlaid CHECK (overlay(state PLACING 'x' FROM 1) <> ''),
    ADD CONSTRAINT coalesced CHECK (coalesce(note, state, 'x') <> '' AND nullif(state, 'x') IS NOT NULL AND greatest(low, big, 3) > 0),
    ADD CONSTRAINT cased CHECK (CASE state WHEN 'new' THEN true WHEN 'paid' THEN price > 0 ELSE false END),
    ADD CONSTRAINT bitwise CHECK (bits & B'101' = B'101' OR bits::int > 2),
    ADD CONSTRAINT tagged CHECK (tags <@ ARRAY['a', 'b']::varchar[] AND 'a' = ANY (tags) AND tags[1] <> 'x' AND tags[1:2] <> '{}'),
    ADD CONSTRAINT documented CHECK (raw ? 'a' AND raw ->> 'a' IN ('x', 'y') AND raw #>> '{a,b}' = 'z' AND raw @> '{"a": 1}'),
    ADD CONSTRAINT sorted CHECK (state COLLATE "C" < 'zzz' AND label COLLATE "POSIX" > ''),
    ADD CONSTRAINT negative CHECK (low > -5 AND big > - 9223372036854775807 AND price > -0.5),
    ADD CONSTRAINT typed CHECK (price::int::text::varchar(5) <> '' AND pg_typeof(low) = 'smallint'::regtype),
    ADD CONSTRAINT current CHECK (at < current_timestamp + '1 year' AND day < current_date AND at <= now());

-- the same in predicates and expressions of indexes
CREATE INDEX by_state ON orders (id) WHERE state IN ('new', 'paid');
CREATE INDEX by_state_array ON orders (id) WHERE (state)::text = ANY ((ARRAY['new'::character varying, 'paid'::character varying])::text[]);
CREATE INDEX by_expression ON orders ((lower(state)), (coalesce(note, 'none')), (state || '-' || code));
CREATE INDEX by_cast ON orders ((raw ->> 'a'), ((raw ->> 'n')::int), (price::int) DESC NULLS LAST);
CREATE INDEX by_year ON orders ((extract(year FROM day))) WHERE span > interval '1 hour';
CREATE UNIQUE INDEX by_class ON orders (state text_pattern_ops, label COLLATE "C" DESC) INCLUDE (price) WITH (fillfactor = 70);

-- NULL without a type, casts, joins and much else in views
CREATE VIEW nothing AS SELECT NULL AS a, NULL::integer AS b, NULL::varchar(5) AS c, 'x' AS d, 1 AS e, 1.50 AS f, '{}'::int[] AS g;
CREATE VIEW casts AS
    SELECT state::text, state::varchar(5) AS short, CAST(price AS int4), '1'::int AS one, interval '1 day' AS day, date '2020-01-01' AS first, timestamptz '2020-01-01 00:00' AS point, -1 AS minus, - 1::int2 AS other
    FROM orders WHERE state IN ('new', 'paid') AND code IN ('eur');
CREATE VIEW united AS SELECT id, NULL AS label, 'a' AS tag FROM orders UNION ALL SELECT id, label, NULL FROM orders UNION SELECT 1, 'x', 'y' ORDER BY 1 LIMIT 5 + 1;
CREATE VIEW joined AS SELECT * FROM orders o JOIN (SELECT id, state AS other FROM orders) p USING (id) NATURAL LEFT JOIN (SELECT 1::bigint AS id) q;
CREATE VIEW listed AS SELECT v.a, v.b FROM (VALUES (1, 'x'), (2, NULL)) AS v (a, b) WHERE (v.a, v.b) IN (SELECT 1, 'x'::text);
CREATE VIEW windowed AS SELECT id, sum(price) OVER w, rank() OVER (w ROWS BETWEEN 1 PRECEDING AND CURRENT ROW), count(*) FILTER (WHERE low > 0) OVER () FROM orders WINDOW w AS (PARTITION BY state ORDER BY id);
CREATE VIEW grouped AS SELECT state, count(DISTINCT code), string_agg(label, ',' ORDER BY label), grouping(state) FROM orders GROUP BY ROLLUP (state, code) HAVING count(*) > 1;
CREATE VIEW recursive AS WITH RECURSIVE t (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM t WHERE n < 10) SELECT n FROM t;
CREATE VIEW lateral_call AS SELECT o.id, x.value FROM orders o, LATERAL jsonb_each_text(o.raw) AS x, generate_series(1, 2) WITH ORDINALITY AS g (n, at) WHERE g.at = x.value::int;
CREATE VIEW whole AS SELECT o, o.*::text AS text, (o).id AS again FROM orders o WHERE o IS NOT NULL AND o.at BETWEEN SYMMETRIC now() AND now() - interval '1 day';
CREATE VIEW times AS SELECT extract(epoch FROM at), at AT TIME ZONE 'UTC' AS utc, localtimestamp AS here, current_user AS who, current_date + 1 AS tomorrow FROM orders;
CREATE VIEW arrays AS SELECT ARRAY[state, 'x'] AS a, ARRAY(SELECT id FROM orders) AS b, tags || 'x'::varchar AS c, array_length(tags, 1) FROM orders;
CREATE MATERIALIZED VIEW stored AS SELECT state, NULL::int AS empty, 'x'::varchar AS text FROM orders WHERE state IN ('new', 'paid');

-- row security
ALTER TABLE orders ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON orders FOR SELECT USING (state IN ('new', 'paid') AND code = current_user);
CREATE POLICY other ON orders FOR ALL TO reader, writer USING (true) WITH CHECK (state = ANY ((ARRAY['new'::varchar, 'paid'::varchar])::text[]));

-- triggers and rules
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN new; END $$;
CREATE TRIGGER changed AFTER UPDATE OF state, code ON orders FOR EACH ROW WHEN (new.state IN ('new', 'paid') AND old.* IS DISTINCT FROM new.*) EXECUTE FUNCTION stamp('a', 1);
CREATE RULE kept AS ON DELETE TO orders WHERE old.state IN ('new', 'paid') DO ALSO SELECT NULL::int AS x, 'y' AS y;

-- partition bounds and keys
CREATE TABLE log (at timestamptz NOT NULL, kind varchar(10) NOT NULL, n int2) PARTITION BY LIST (kind);
CREATE TABLE log_a PARTITION OF log FOR VALUES IN ('a', 'b') PARTITION BY RANGE (at, (n + 1));
CREATE TABLE log_a_new PARTITION OF log_a FOR VALUES FROM ('2020-01-01', 1) TO (MAXVALUE, MAXVALUE);
CREATE TABLE log_c PARTITION OF log FOR VALUES IN ('c', NULL);
CREATE TABLE hashed (id int, name text) PARTITION BY HASH (lower(name));
CREATE TABLE hashed_0 PARTITION OF hashed FOR VALUES WITH (modulus 2, remainder 0);

-- domains, functions, statistics
CREATE DOMAIN mail AS varchar(200) DEFAULT NULL CHECK (value IN ('a@b', 'c@d') OR value ~ '@') CHECK (value <> '');
CREATE DOMAIN percent AS numeric(5, 2) DEFAULT 0 NOT NULL CHECK (value BETWEEN 0 AND 100);
CREATE FUNCTION add(a int DEFAULT 1, b varchar DEFAULT NULL, c text[] DEFAULT '{}', d interval DEFAULT '1 day', VARIADIC e int[] DEFAULT ARRAY[]::int[]) RETURNS int LANGUAGE sql IMMUTABLE RETURN a + 1;
CREATE FUNCTION body(wanted varchar) RETURNS SETOF orders LANGUAGE sql STABLE BEGIN ATOMIC SELECT * FROM orders WHERE state IN ('new', 'paid') AND state = wanted; END;
CREATE STATISTICS spread ON (lower(state)), (coalesce(note, 'x')), low FROM orders;

-- the order in which privileges were given
GRANT UPDATE, SELECT ON orders TO writer;
GRANT SELECT ON orders TO reader;
GRANT INSERT ON orders TO reader WITH GRANT OPTION;
REVOKE SELECT ON orders FROM writer;
GRANT SELECT ON orders TO writer;
GRANT UPDATE (state, code), SELECT (state) ON orders TO reader;
ALTER DEFAULT PRIVILEGES GRANT SELECT, INSERT ON TABLES TO writer;
ALTER DEFAULT PRIVILEGES GRANT UPDATE ON TABLES TO reader;
