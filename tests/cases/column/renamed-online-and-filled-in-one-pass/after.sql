CREATE TABLE t (id bigint PRIMARY KEY,
 a2 text, -- @renamed from=a online
 b2 text, -- @renamed from=b online
 d text, -- @convert using=d
 e int,
 f text NOT NULL, -- @backfill using=a2 || e
 g int NOT NULL -- @backfill using=e + 2
);
