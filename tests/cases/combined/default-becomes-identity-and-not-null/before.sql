CREATE TABLE note (id integer DEFAULT 7, body text);
