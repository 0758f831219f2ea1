-- @renamed from=st
CREATE TYPE state AS ENUM ('new', 'old', 'gone');
-- @renamed from=rate
CREATE FUNCTION rating(x integer) RETURNS integer LANGUAGE sql IMMUTABLE RETURN x * 3;
-- @renamed from=cust
CREATE TABLE customer (
    id integer CONSTRAINT cust_pk PRIMARY KEY,
    email varchar(90) NOT NULL, -- @renamed from=mail
    state state DEFAULT 'new', -- @renamed from=st
    n integer GENERATED ALWAYS AS (rating(id)) STORED
);
-- @renamed from=cust_mail
CREATE INDEX customer_email ON customer (lower(email)) WHERE state = 'new';
CREATE VIEW v AS SELECT id, email AS mail, rating(id) AS r FROM customer WHERE state = 'new';
CREATE POLICY p ON customer USING (email = current_user);
