CREATE TYPE address AS (street text, house text);
CREATE TABLE parcel (id int PRIMARY KEY, receiver address);
ALTER TABLE parcel ENABLE ROW LEVEL SECURITY;
CREATE POLICY addressed ON parcel FOR SELECT USING (receiver::text IS NOT NULL);
