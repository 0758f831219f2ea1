CREATE TYPE s AS ENUM ('a','b','c');
CREATE TYPE s_range AS RANGE (subtype = s, multirange_type_name = multi_s);
CREATE TABLE t (id int PRIMARY KEY, r s_range, v multi_s);
