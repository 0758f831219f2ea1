CREATE TABLE t (id int PRIMARY KEY, a text,
 n bigint, -- @convert using=n
 m bigint NOT NULL, -- @convert using=m
 up text NOT NULL, -- @backfill using=upper(a)
 u uuid NOT NULL DEFAULT gen_random_uuid(),
 low varchar(3) NOT NULL -- @backfill using=lower(a)
 );
CREATE TABLE w (id int, n int, x int NOT NULL, -- @backfill using=n+1
 y int NOT NULL -- @backfill using=n+2
 ) PARTITION BY RANGE (id);
CREATE TABLE w1 PARTITION OF w FOR VALUES FROM (0) TO (10000);
