CREATE TYPE mood AS ENUM ('calm', 'loud');
CREATE TABLE person (
    id int PRIMARY KEY,
    alias text NOT NULL, -- @renamed from=nick online
    mood mood DEFAULT 'calm',
    town text,
    level int NOT NULL -- @backfill using=length(town)
);
CREATE TABLE town (name text PRIMARY KEY, people int);
CREATE TABLE street (name text PRIMARY KEY, town text REFERENCES town);
CREATE VIEW plain WITH (security_barrier) AS SELECT id, alias FROM person WHERE mood <> 'loud' WITH LOCAL CHECK OPTION;
CREATE VIEW over_plain AS SELECT p.alias, t.people FROM plain p JOIN person USING (id) LEFT JOIN town t ON t.name = person.town;
CREATE VIEW counted AS SELECT alias, count(*) AS people FROM person GROUP BY alias HAVING count(*) > 0 ORDER BY alias;
CREATE VIEW faxes AS SELECT id, alias FROM person WHERE id > 0;
CREATE VIEW distinct_ones AS SELECT DISTINCT alias FROM person;
CREATE VIEW with_query AS WITH loud AS (SELECT alias, town FROM person WHERE mood = 'loud') SELECT loud.alias, row_number() OVER w AS place FROM loud WINDOW w AS (PARTITION BY loud.town ORDER BY loud.alias);
CREATE VIEW either AS SELECT alias FROM person UNION ALL SELECT name FROM town;
CREATE VIEW same AS SELECT id, alias AS called FROM person;
CREATE VIEW other_rows AS SELECT id, alias FROM person WHERE id > 1;
CREATE MATERIALIZED VIEW stored AS SELECT id, alias FROM person;
CREATE VIEW over_stored AS SELECT alias FROM stored;
GRANT SELECT (alias) ON plain TO reader;
COMMENT ON COLUMN plain.alias IS 'what friends say';
-- what new code brings along
CREATE VIEW levels AS SELECT p.alias, p.level, s.name AS street FROM person p LEFT JOIN street s USING (town);
GRANT SELECT ON levels TO reader;
COMMENT ON COLUMN levels.alias IS 'also here';
CREATE MATERIALIZED VIEW all_levels AS SELECT alias, level FROM levels;
CREATE UNIQUE INDEX ON all_levels (alias);
CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN UPDATE person SET alias = NEW.alias WHERE alias = OLD.alias; RETURN NEW; END$$;
CREATE TRIGGER keep INSTEAD OF UPDATE ON levels FOR EACH ROW EXECUTE FUNCTION keep();
CREATE VIEW people AS SELECT id, alias FROM person;
CREATE RULE no_delete AS ON DELETE TO people DO INSTEAD NOTHING;
ALTER VIEW people ALTER COLUMN alias SET DEFAULT 'nobody';
CREATE FUNCTION alias_of(int) RETURNS text LANGUAGE sql STABLE RETURN (SELECT alias FROM people WHERE id = $1);
