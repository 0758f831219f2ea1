CREATE TYPE e AS ENUM ('gone', 'late');
CREATE DOMAIN d AS e DEFAULT 'gone';
CREATE TABLE t (id int PRIMARY KEY, a d, j e[]);
