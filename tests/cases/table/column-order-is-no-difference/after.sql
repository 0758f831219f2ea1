CREATE TABLE pair (b text NOT NULL, a integer, CONSTRAINT a_pos CHECK (a > 0));
