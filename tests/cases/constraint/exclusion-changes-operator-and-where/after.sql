CREATE TABLE r (during int8range, room int4range, off boolean DEFAULT false, CONSTRAINT free EXCLUDE USING gist (during WITH &&, room WITH &&) WHERE (NOT off) DEFERRABLE INITIALLY DEFERRED);
