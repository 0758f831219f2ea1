CREATE TYPE unit AS ENUM ('kg', 'g');
CREATE TYPE amount AS (value numeric, unit unit);
CREATE FUNCTION zero() RETURNS amount LANGUAGE sql IMMUTABLE RETURN ROW(0, 'kg')::amount;
CREATE TABLE shelf (id integer PRIMARY KEY, load amount DEFAULT zero());
CREATE FUNCTION of_shelf(shelf) RETURNS amount LANGUAGE sql STABLE RETURN ($1).load;
CREATE VIEW loads AS SELECT of_shelf(s) AS load FROM shelf s;
