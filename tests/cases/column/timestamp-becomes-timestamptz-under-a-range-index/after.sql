CREATE TABLE stay (room integer, "from" timestamptz, "to" timestamptz, CONSTRAINT once EXCLUDE USING gist (tstzrange("from", "to") WITH &&));
CREATE VIEW stays AS SELECT room, "to" - "from" AS length FROM stay;
