CREATE TYPE mood AS ENUM ('good', 'bad');
CREATE DOMAIN numbered AS bigint;
CREATE DOMAIN plain AS text DEFAULT 'good'::mood;
CREATE DOMAIN spoken AS text DEFAULT 'y';
CREATE TABLE t (id integer, a numbered, b plain, c spoken);
