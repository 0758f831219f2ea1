CREATE TABLE a (id integer, b integer);
CREATE TABLE b (id integer, a integer);
ALTER TABLE a ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON a USING (EXISTS (SELECT FROM b WHERE b.a = a.id));
