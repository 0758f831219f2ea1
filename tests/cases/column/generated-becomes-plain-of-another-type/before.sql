CREATE TABLE t (m integer, g text GENERATED ALWAYS AS ('1' || m::text) STORED);
CREATE TABLE p (m integer, g text GENERATED ALWAYS AS (m::text) STORED, key integer) PARTITION BY LIST (key);
CREATE TABLE p_1 PARTITION OF p FOR VALUES IN (1);
