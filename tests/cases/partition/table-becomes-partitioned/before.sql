CREATE TABLE m (a integer NOT NULL, b text);
