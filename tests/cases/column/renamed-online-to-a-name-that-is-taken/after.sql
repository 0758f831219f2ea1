CREATE TABLE t (id int, b int /* @renamed from=a online */);
