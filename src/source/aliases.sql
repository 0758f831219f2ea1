-- (classid, objid, objsubid) of a part, and of the whole that stands for it in pg_depend
SELECT 'pg_type'::regclass::oid, t.oid, 0, 'pg_class'::regclass::oid, t.typrelid, 0  -- row type: its relation
FROM pg_type t JOIN pg_class c ON c.oid = t.typrelid WHERE c.relkind <> 'c' AND t.oid >= 16384
UNION ALL
SELECT 'pg_class'::regclass, c.oid, 0, 'pg_type'::regclass, t.oid, 0                 -- relation of a composite type: the type
FROM pg_type t JOIN pg_class c ON c.oid = t.typrelid WHERE c.relkind = 'c' AND t.oid >= 16384
UNION ALL
SELECT 'pg_type'::regclass, t.typarray, 0, 'pg_type'::regclass, t.oid, 0             -- array type: its element
FROM pg_type t WHERE t.typarray <> 0 AND t.oid >= 16384
UNION ALL
SELECT 'pg_type'::regclass, r.rngmultitypid, 0, 'pg_type'::regclass, r.rngtypid, 0   -- multirange: its range
FROM pg_range r WHERE r.rngtypid >= 16384
UNION ALL
SELECT 'pg_class'::regclass, k.conindid, 0, 'pg_constraint'::regclass, k.oid, 0      -- index: its constraint
FROM pg_constraint k WHERE k.contype IN ('p', 'u', 'x') AND k.conindid <> 0
UNION ALL
SELECT 'pg_constraint'::regclass, k.oid, 0, 'pg_type'::regclass, k.contypid, 0       -- a domain's NOT NULL: the domain
FROM pg_constraint k WHERE k.contypid <> 0 AND k.contype = 'n' AND k.oid >= 16384
UNION ALL
SELECT 'pg_constraint'::regclass, k.oid, 0, 'pg_class'::regclass, k.conrelid, k.conkey[1]
FROM pg_constraint k WHERE k.contype = 'n' AND k.conrelid <> 0
UNION ALL
SELECT 'pg_rewrite'::regclass, r.oid, 0, 'pg_class'::regclass, r.ev_class, 0         -- what makes a view: the view
FROM pg_rewrite r WHERE r.rulename = '_RETURN' AND r.oid >= 16384
UNION ALL
SELECT 'pg_attrdef'::regclass, d.oid, 0, 'pg_class'::regclass, d.adrelid, d.adnum    -- a generated column's expression
FROM pg_attrdef d JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum WHERE a.attgenerated <> ''
UNION ALL
SELECT 'pg_trigger'::regclass, t.oid, 0, 'pg_constraint'::regclass, t.tgconstraint, 0
FROM pg_trigger t WHERE t.tgisinternal AND t.tgconstraint <> 0
UNION ALL
SELECT 'pg_class'::regclass, d.objid, 0, d.refclassid, d.refobjid, d.refobjsubid     -- the sequence of an identity column
FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.deptype = 'i' AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0
UNION ALL
SELECT d.classid, d.objid, 0, d.refclassid, d.refobjid, 0                            -- member of an operator class or family
FROM pg_depend d WHERE d.classid IN ('pg_amop'::regclass, 'pg_amproc'::regclass) AND d.refclassid IN ('pg_opclass'::regclass, 'pg_opfamily'::regclass)
  AND d.objid >= 16384
UNION ALL
SELECT d.classid, d.objid, d.objsubid, d.refclassid, d.refobjid, 0                   -- member: its extension
FROM pg_depend d WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
