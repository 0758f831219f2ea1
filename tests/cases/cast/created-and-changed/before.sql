CREATE TYPE mood AS ENUM ('calm', 'merry');
CREATE FUNCTION mood_of(integer) RETURNS mood LANGUAGE sql IMMUTABLE AS $$ SELECT CASE WHEN $1 > 0 THEN 'merry'::mood ELSE 'calm'::mood END $$;
CREATE CAST (integer AS mood) WITH FUNCTION mood_of(integer);
CREATE CAST (text AS mood) WITH INOUT AS ASSIGNMENT;
