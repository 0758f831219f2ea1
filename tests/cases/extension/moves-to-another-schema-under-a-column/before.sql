CREATE SCHEMA old_home; CREATE SCHEMA new_home;
CREATE EXTENSION citext SCHEMA old_home;
CREATE TABLE person (id integer PRIMARY KEY, mail old_home.citext DEFAULT 'x'::old_home.citext);
CREATE INDEX person_mail ON person (mail);
