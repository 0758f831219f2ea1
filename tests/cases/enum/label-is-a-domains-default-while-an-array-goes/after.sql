CREATE TYPE e AS ENUM ('new', 'gone', 'late');
CREATE DOMAIN d AS e DEFAULT 'new';
CREATE TABLE t (id int PRIMARY KEY, a d, j text);
