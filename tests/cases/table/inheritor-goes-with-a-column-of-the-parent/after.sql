CREATE TABLE parent (kept integer);
