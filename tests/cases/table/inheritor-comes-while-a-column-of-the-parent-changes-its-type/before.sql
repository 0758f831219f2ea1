CREATE TABLE parent (m integer DEFAULT 1 NOT NULL);
