CREATE FUNCTION rows_of(n integer) RETURNS TABLE (a integer, b text) LANGUAGE sql AS 'SELECT 1, ''x''';
CREATE VIEW v AS SELECT r.a, r.b FROM rows_of(3) r;
CREATE VIEW w AS SELECT * FROM rows_of(4) WITH ORDINALITY AS q(x, y, z);
