CREATE TABLE r (during int4range, room int4range, off boolean DEFAULT false, CONSTRAINT free EXCLUDE USING gist (during WITH &&, room WITH =));
