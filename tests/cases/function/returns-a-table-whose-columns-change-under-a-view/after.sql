CREATE FUNCTION rows_of(n integer) RETURNS TABLE (a integer, b text, c date) LANGUAGE sql AS 'SELECT 1, ''x'', current_date';
CREATE VIEW v AS SELECT r.a, r.b FROM rows_of(3) r;
CREATE VIEW w AS SELECT * FROM rows_of(4) WITH ORDINALITY AS q(x, y, z, o);
