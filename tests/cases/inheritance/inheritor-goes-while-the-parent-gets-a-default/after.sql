CREATE TABLE parent (a bigint DEFAULT 2, b text DEFAULT 'b');
