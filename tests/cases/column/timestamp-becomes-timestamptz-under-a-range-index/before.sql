CREATE TABLE stay (room integer, "from" timestamp, "to" timestamp, CONSTRAINT once EXCLUDE USING gist (tsrange("from", "to") WITH &&));
CREATE VIEW stays AS SELECT room, "to" - "from" AS length FROM stay;
