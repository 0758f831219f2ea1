CREATE TYPE mood AS ENUM ('calm', 'loud');
CREATE TABLE person (
    id int PRIMARY KEY,
    nick text NOT NULL,
    mood mood DEFAULT 'calm',
    town text,
    fax text
);
CREATE TABLE town (name text PRIMARY KEY, people int);
CREATE VIEW plain WITH (security_barrier) AS SELECT id, nick FROM person WHERE mood <> 'loud' WITH LOCAL CHECK OPTION;
CREATE VIEW over_plain AS SELECT p.nick, t.people FROM plain p JOIN person USING (id) LEFT JOIN town t ON t.name = person.town;
CREATE VIEW counted AS SELECT nick, count(*) AS people FROM person GROUP BY nick HAVING count(*) > 0 ORDER BY nick;
CREATE VIEW faxes AS SELECT id, nick, lower(fax) AS fax FROM person WHERE id > 0;
CREATE VIEW distinct_ones AS SELECT DISTINCT nick FROM person;
CREATE VIEW with_query AS WITH loud AS (SELECT nick, town FROM person WHERE mood = 'loud') SELECT loud.nick, row_number() OVER w AS place FROM loud WINDOW w AS (PARTITION BY loud.town ORDER BY loud.nick);
CREATE VIEW either AS SELECT nick FROM person UNION ALL SELECT name FROM town;
CREATE VIEW same AS SELECT id, nick AS called FROM person;
CREATE VIEW other_rows AS SELECT id, nick FROM person WHERE id > 0;
CREATE MATERIALIZED VIEW stored AS SELECT id, nick FROM person;
CREATE VIEW over_stored AS SELECT nick FROM stored;
GRANT SELECT (nick) ON plain TO reader;
COMMENT ON COLUMN plain.nick IS 'what friends say';
