CREATE TABLE p (a int, b int NOT NULL DEFAULT random() * 10,
 d int NOT NULL, -- @backfill using=7
 e int NOT NULL -- @backfill using=a
);
CREATE TABLE c () INHERITS (p);
ALTER TABLE ONLY p ALTER b SET STATISTICS 5, ALTER d SET STATISTICS 6, ALTER e SET STATISTICS 7;
