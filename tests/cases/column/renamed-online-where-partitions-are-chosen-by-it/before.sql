CREATE TABLE t (id int, a int /* @renamed from=b */) PARTITION BY LIST (a);
