CREATE FUNCTION bucket(x integer) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN abs(x) % 4;
CREATE TABLE m (a integer, b text) PARTITION BY LIST (bucket(a));
CREATE TABLE m_0 PARTITION OF m FOR VALUES IN (0, 1, 2, 3);
CREATE INDEX m_b ON m (bucket(a), b);
