SELECT d.classid, d.objid,
       -- what a domain needs beyond its own type and collation, its default needs
       CASE WHEN t.oid IS NOT NULL AND d.refclassid <> 'pg_namespace'::regclass
                 AND (d.refclassid, d.refobjid) NOT IN (('pg_type'::regclass, t.typbasetype), ('pg_collation'::regclass, t.typcollation))
            THEN -1 ELSE d.objsubid END,
       d.refclassid, d.refobjid, d.refobjsubid
FROM pg_depend d
LEFT JOIN pg_type t ON d.classid = 'pg_type'::regclass AND t.oid = d.objid AND t.typtype = 'd' AND t.typdefault IS NOT NULL
WHERE d.deptype IN ('n', 'a', 'i') AND d.objid >= 16384 AND (d.refobjid >= 16384 OR d.refclassid = 'pg_namespace'::regclass)
  -- that a column owns a sequence is an object of its own
  AND NOT (d.deptype IN ('a', 'i') AND d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0
           AND d.objid IN (SELECT s.seqrelid FROM pg_sequence s))
UNION ALL
-- of which it is a value
SELECT 'pg_type'::regclass, t.oid, -1, 'pg_type'::regclass, t.typbasetype, 0
FROM pg_type t
WHERE t.typtype = 'd' AND t.typdefault IS NOT NULL AND t.typbasetype >= 16384
