CREATE TYPE mood AS ENUM ('new', 'gone', 'late');
CREATE TABLE first_one (i integer, b timestamp NOT NULL, m mood);
ALTER TABLE first_one ADD CONSTRAINT the_key PRIMARY KEY (b);
CREATE FUNCTION all_of_them() RETURNS SETOF first_one LANGUAGE sql STABLE AS $$ SELECT * FROM first_one $$;
COMMENT ON COLUMN first_one.b IS 'when';
COMMENT ON CONSTRAINT the_key ON first_one IS 'the only one';
