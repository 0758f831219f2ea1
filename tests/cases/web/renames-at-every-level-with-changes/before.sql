CREATE TYPE st AS ENUM ('new', 'old');
CREATE FUNCTION rate(x integer) RETURNS integer LANGUAGE sql IMMUTABLE RETURN x * 2;
CREATE TABLE cust (id integer CONSTRAINT cust_pk PRIMARY KEY, mail text, st st DEFAULT 'new', n integer GENERATED ALWAYS AS (rate(id)) STORED);
CREATE INDEX cust_mail ON cust (lower(mail)) WHERE st = 'new';
CREATE VIEW v AS SELECT id, mail, rate(id) AS r FROM cust WHERE st = 'new';
CREATE POLICY p ON cust USING (mail = current_user);
