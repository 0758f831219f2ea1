CREATE TYPE span AS RANGE (SUBTYPE = timestamp, MULTIRANGE_TYPE_NAME = spans);
CREATE TYPE weight AS RANGE (SUBTYPE = double precision, SUBTYPE_DIFF = float8mi);
CREATE TABLE booking (during span, often spans);
