-- One object of every class that PostgreSQL 18 has in its catalogs, as far as SQL can make it.

CREATE SCHEMA app;
CREATE EXTENSION citext SCHEMA public;
CREATE EXTENSION btree_gist SCHEMA public;

-- types
CREATE TYPE app.state AS ENUM ('new', 'done');
CREATE TYPE app.pair AS (x integer, y text);
CREATE TYPE app.span AS RANGE (SUBTYPE = integer, MULTIRANGE_TYPE_NAME = app.spans);
CREATE DOMAIN app.positive AS integer DEFAULT 1 CONSTRAINT is_given NOT NULL CONSTRAINT is_positive CHECK (VALUE > 0);
CREATE TYPE app.base;
CREATE FUNCTION app.base_in(cstring) RETURNS app.base LANGUAGE internal IMMUTABLE STRICT AS 'int4in';
CREATE FUNCTION app.base_out(app.base) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'int4out';
CREATE TYPE app.base (INPUT = app.base_in, OUTPUT = app.base_out, LIKE = integer);
-- one with elements is no array
CREATE TYPE app.dots;
CREATE FUNCTION app.dots_in(cstring) RETURNS app.dots LANGUAGE internal IMMUTABLE STRICT AS 'point_in';
CREATE FUNCTION app.dots_out(app.dots) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'point_out';
CREATE TYPE app.dots (INPUT = app.dots_in, OUTPUT = app.dots_out, INTERNALLENGTH = 16, ALIGNMENT = double, ELEMENT = float8);
CREATE TYPE app.shell;

-- functions
CREATE FUNCTION app.plus_one(a integer) RETURNS integer LANGUAGE sql IMMUTABLE RETURN a + 1;
CREATE FUNCTION app.is_even(a integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT a % 2 = 0';
CREATE PROCEDURE app.nothing() LANGUAGE plpgsql AS $$ BEGIN NULL; END $$;
CREATE FUNCTION app.place() RETURNS bigint LANGUAGE internal WINDOW AS 'window_row_number';
CREATE FUNCTION app.touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE FUNCTION app.watch() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN NULL; END $$;
CREATE AGGREGATE app.total (integer) (SFUNC = int4pl, STYPE = integer, INITCOND = '0');
CREATE AGGREGATE app.moving (integer) (SFUNC = int4pl, STYPE = integer, MSFUNC = int4pl, MINVFUNC = int4mi, MSTYPE = integer);
CREATE AGGREGATE app.middle (float8 ORDER BY anyelement) (SFUNC = ordered_set_transition, STYPE = internal, FINALFUNC = percentile_disc_final, FINALFUNC_EXTRA);
CREATE AGGREGATE app.rank_of (VARIADIC "any" ORDER BY VARIADIC "any") (SFUNC = ordered_set_transition_multi, STYPE = internal, FINALFUNC = rank_final, FINALFUNC_EXTRA, HYPOTHETICAL);

-- operators
CREATE OPERATOR app.<<% (FUNCTION = int4lt, LEFTARG = integer, RIGHTARG = integer, COMMUTATOR = OPERATOR(app.%>>));
CREATE OPERATOR FAMILY app.numbers USING btree;
CREATE OPERATOR CLASS app.numbers_down FOR TYPE integer USING btree FAMILY app.numbers AS
    OPERATOR 1 >, OPERATOR 2 >=, OPERATOR 3 =, OPERATOR 4 <=, OPERATOR 5 <, FUNCTION 1 btint4cmp(integer, integer);
ALTER OPERATOR FAMILY app.numbers USING btree ADD FUNCTION 1 (integer, bigint) btint48cmp(integer, bigint);
CREATE FUNCTION app.of_state(app.state) RETURNS integer LANGUAGE sql IMMUTABLE RETURN 1;
CREATE CAST (app.state AS integer) WITH FUNCTION app.of_state(app.state);
CREATE CONVERSION app.latin FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
CREATE COLLATION app.german (PROVIDER = icu, LOCALE = 'de');
CREATE LANGUAGE other HANDLER plpgsql_call_handler;
CREATE FUNCTION app.given(internal) RETURNS internal LANGUAGE internal IMMUTABLE STRICT AS 'prsd_lextype';
CREATE TRANSFORM FOR app.pair LANGUAGE other (FROM SQL WITH FUNCTION app.given(internal));
CREATE ACCESS METHOD pile TYPE TABLE HANDLER heap_tableam_handler;

-- tables
CREATE SEQUENCE app.numbers;
CREATE TABLE app.plain (
    id integer GENERATED ALWAYS AS IDENTITY CONSTRAINT plain_key PRIMARY KEY,
    serial serial,
    name text CONSTRAINT has_name NOT NULL NO INHERIT,
    state app.state DEFAULT 'new',
    amount app.positive,
    number integer DEFAULT nextval('app.numbers'),
    twice integer GENERATED ALWAYS AS (id * 2) STORED,
    thrice integer GENERATED ALWAYS AS (id * 3) VIRTUAL,
    during int4range,
    span app.span,
    old integer,
    label text COLLATE app.german,
    CONSTRAINT names_differ UNIQUE NULLS NOT DISTINCT (name),
    CONSTRAINT positive CHECK (number > 0),
    CONSTRAINT hoped_for CHECK (old > 0) NOT ENFORCED,
    CONSTRAINT apart EXCLUDE USING gist (number WITH =, during WITH &&)
);
ALTER TABLE app.plain ADD CONSTRAINT old_is_given NOT NULL old NOT VALID;
CREATE TABLE app.over_time (id integer, during daterange, CONSTRAINT one_at_a_time PRIMARY KEY (id, during WITHOUT OVERLAPS));
CREATE TABLE app.within_time (
    id integer, during daterange,
    CONSTRAINT of_its_time FOREIGN KEY (id, PERIOD during) REFERENCES app.over_time (id, PERIOD during)
);
CREATE UNLOGGED TABLE app.unlogged (id integer REFERENCES app.plain NOT ENFORCED);
CREATE TABLE app.typed OF app.pair;
CREATE TABLE app.child (more text) INHERITS (app.plain);
CREATE TABLE app.root (key integer PRIMARY KEY, ref integer REFERENCES app.plain) PARTITION BY LIST (key);
CREATE TABLE app.part PARTITION OF app.root FOR VALUES IN (1);
CREATE TABLE app.branch PARTITION OF app.root DEFAULT PARTITION BY HASH (key);
CREATE TABLE app.leaf PARTITION OF app.branch FOR VALUES WITH (MODULUS 1, REMAINDER 0);
CREATE TABLE app.to_root (key integer REFERENCES app.root);
CREATE TABLE app.piled (id integer) USING pile;
CREATE TABLE app.guarded (id integer);
ALTER TABLE app.guarded ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON app.guarded USING (id > 0);
CREATE INDEX by_name ON app.plain (name) WHERE number > 1;
CREATE INDEX of_root ON app.root (ref);
CREATE STATISTICS app.together (ndistinct) ON number, old FROM app.plain;

-- views, rules and triggers
CREATE VIEW app.names AS SELECT id, name FROM app.plain;
ALTER VIEW app.names ALTER COLUMN name SET DEFAULT 'nobody';
CREATE MATERIALIZED VIEW app.counted AS SELECT count(*) AS n FROM app.plain;
CREATE UNIQUE INDEX of_counted ON app.counted (n);
ALTER MATERIALIZED VIEW app.counted ALTER COLUMN n SET STATISTICS 7;
CREATE RULE quiet AS ON DELETE TO app.guarded DO INSTEAD NOTHING;
CREATE TRIGGER touched BEFORE UPDATE ON app.plain FOR EACH ROW EXECUTE FUNCTION app.touch();
CREATE TRIGGER of_many AFTER UPDATE ON app.plain REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION app.touch();
CREATE CONSTRAINT TRIGGER at_the_end AFTER INSERT ON app.plain DEFERRABLE FOR EACH ROW EXECUTE FUNCTION app.touch();
CREATE TRIGGER of_root AFTER INSERT ON app.root FOR EACH ROW EXECUTE FUNCTION app.touch();
ALTER TABLE app.part DISABLE TRIGGER of_root;
CREATE EVENT TRIGGER watching ON sql_drop WHEN TAG IN ('DROP CONVERSION') EXECUTE FUNCTION app.watch();

-- text search
CREATE TEXT SEARCH PARSER app.parser (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end, LEXTYPES = prsd_lextype);
CREATE TEXT SEARCH TEMPLATE app.template (INIT = dsimple_init, LEXIZE = dsimple_lexize);
CREATE TEXT SEARCH DICTIONARY app.dictionary (TEMPLATE = app.template);
CREATE TEXT SEARCH CONFIGURATION app.configuration (PARSER = app.parser);
ALTER TEXT SEARCH CONFIGURATION app.configuration ADD MAPPING FOR asciiword WITH app.dictionary;

-- foreign data, publications, subscriptions
CREATE FOREIGN DATA WRAPPER far;
CREATE SERVER away FOREIGN DATA WRAPPER far;
CREATE USER MAPPING FOR reader SERVER away OPTIONS (password 'secret-of-the-mapping');
CREATE FOREIGN TABLE app.distant (id integer CONSTRAINT far_away CHECK (id > 0)) SERVER away;
CREATE PUBLICATION everything FOR ALL TABLES;
CREATE PUBLICATION a_part FOR TABLE app.plain (id) WHERE (id > 0);
CREATE PUBLICATION of_schema FOR TABLES IN SCHEMA app;
CREATE SUBSCRIPTION listening CONNECTION 'host=nowhere password=secret-of-the-subscription' PUBLICATION p WITH (connect = false, enabled = false, slot_name = NONE);

-- privileges
ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT SELECT ON TABLES TO reader;
ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO reader;
GRANT SELECT ON app.plain TO reader;
GRANT SELECT (id) ON app.guarded TO reader;
GRANT USAGE ON LANGUAGE plpgsql TO reader;

-- comments: on a table, a column of a view, an index of a key, and on what goes with others
COMMENT ON TABLE app.plain IS 'a table';
COMMENT ON COLUMN app.names.name IS 'a column of a view';
COMMENT ON INDEX app.plain_key IS 'an index of a key';
COMMENT ON CONSTRAINT has_name ON app.plain IS 'a NOT NULL';
COMMENT ON CONSTRAINT is_given ON DOMAIN app.positive IS 'a NOT NULL of a domain';
COMMENT ON CONSTRAINT at_the_end ON app.plain IS 'what a constraint trigger has';
COMMENT ON ACCESS METHOD pile IS 'said with what it is about';

-- data, and what is of the cluster
SELECT lo_create(4711);
COMMENT ON LARGE OBJECT 4711 IS 'data';
SELECT pg_replication_origin_create(current_database());
