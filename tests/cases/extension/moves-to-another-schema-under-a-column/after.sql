CREATE SCHEMA old_home; CREATE SCHEMA new_home;
CREATE EXTENSION citext SCHEMA new_home;
CREATE TABLE person (id integer PRIMARY KEY, mail new_home.citext DEFAULT 'x'::new_home.citext);
CREATE INDEX person_mail ON person (mail);
