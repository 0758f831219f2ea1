CREATE TYPE weight AS RANGE (SUBTYPE = real, MULTIRANGE_TYPE_NAME = weights);
CREATE TABLE parcel (id integer PRIMARY KEY, fits weight, often weights, many weight[], CHECK (NOT isempty(fits)));
CREATE INDEX parcel_fits ON parcel USING gist (fits);
CREATE VIEW light AS SELECT id, fits FROM parcel;
