CREATE TABLE team (id integer PRIMARY KEY, captain integer);
CREATE TABLE player (id integer PRIMARY KEY, team integer NOT NULL REFERENCES team);
ALTER TABLE team ADD CONSTRAINT captain_plays FOREIGN KEY (captain) REFERENCES player DEFERRABLE;
