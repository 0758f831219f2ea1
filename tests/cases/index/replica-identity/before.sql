CREATE TABLE feed (id integer NOT NULL, k text NOT NULL);
CREATE UNIQUE INDEX feed_k ON feed (k);
