CREATE EXTENSION citext;
CREATE TABLE person (id integer, mail citext);
CREATE UNIQUE INDEX person_mail ON person (mail);
