CREATE TYPE mood AS ENUM ('calm', 'merry');
CREATE TABLE diary (id integer, mood mood DEFAULT 'merry', CONSTRAINT known CHECK (mood IN ('calm', 'merry')));
CREATE VIEW merry AS SELECT id FROM diary WHERE mood = 'merry';
