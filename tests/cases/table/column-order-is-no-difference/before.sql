CREATE TABLE pair (a integer, b text NOT NULL, CONSTRAINT a_pos CHECK (a > 0));
