CREATE TYPE mood AS ENUM ('late', 'gone', 'new');
CREATE TABLE second_one (i integer, b timestamp NOT NULL, m mood);
ALTER TABLE second_one ADD CONSTRAINT the_key PRIMARY KEY (b);
CREATE FUNCTION all_of_them() RETURNS SETOF second_one LANGUAGE sql STABLE AS $$ SELECT * FROM second_one $$;
COMMENT ON COLUMN second_one.b IS 'when';
COMMENT ON CONSTRAINT the_key ON second_one IS 'the only one';
