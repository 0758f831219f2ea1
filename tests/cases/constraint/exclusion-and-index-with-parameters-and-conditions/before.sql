create table t(a int, b text, c tsrange, constraint ex exclude using gist (c with &&) with (fillfactor=70) where (case when a > 1 then b='x' else false end) deferrable initially deferred);
create unique index i on t (lower(b) desc, (a+1)) where case when a > 1 then b=' WHERE ' else false end;
CREATE TABLE w (a int4range, b text, EXCLUDE USING gist (a WITH &&) WITH (buffering=auto) WHERE (b <> ' WITH (buffering=auto)') DEFERRABLE);
