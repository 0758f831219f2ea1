CREATE TYPE mood AS ENUM ('calm', 'merry');
CREATE FUNCTION mood_of(integer) RETURNS mood LANGUAGE sql IMMUTABLE AS $$ SELECT CASE WHEN $1 > 0 THEN 'merry'::mood ELSE 'calm'::mood END $$;
CREATE CAST (integer AS mood) WITH FUNCTION mood_of(integer) AS ASSIGNMENT;
COMMENT ON CAST (integer AS mood) IS 'positive is merry';
CREATE TABLE t (a mood);
CREATE VIEW v AS SELECT 1::mood AS m;
