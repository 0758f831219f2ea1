CREATE TYPE unit AS ENUM ('kg', 'g', 't');
CREATE TYPE amount AS (value numeric, unit unit);
CREATE FUNCTION zero() RETURNS amount LANGUAGE sql IMMUTABLE RETURN ROW(0, 't')::amount;
CREATE TABLE shelf (id integer PRIMARY KEY, load amount DEFAULT zero(), best unit DEFAULT 't');
CREATE FUNCTION of_shelf(shelf) RETURNS amount LANGUAGE sql STABLE RETURN ($1).load;
CREATE VIEW loads AS SELECT of_shelf(s) AS load, s.best FROM shelf s;
