CREATE TABLE a (id bigint);
CREATE TABLE b (id bigint);
CREATE TABLE c () INHERITS (a, b);
