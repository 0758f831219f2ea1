CREATE TYPE address AS (street text, house int[]);
CREATE TABLE parcel (id int PRIMARY KEY, sender address);
ALTER TABLE parcel ENABLE ROW LEVEL SECURITY;
CREATE POLICY addressed ON parcel FOR SELECT USING (sender::text IS NOT NULL);
