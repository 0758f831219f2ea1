-- Every class that objects of users are of: how many rows there are in schemas that are not the system's, and which of them are neither
-- an extension's nor made by PostgreSQL together with another one. The latter go with it, and are read with it.
WITH RECURSIVE managed AS MATERIALIZED (
    SELECT n.oid FROM pg_namespace n WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'trueup')
), members AS MATERIALIZED (
    SELECT d.objid AS oid FROM pg_depend d
    WHERE d.refclassid = 'pg_extension'::regclass AND d.classid = 'pg_class'::regclass AND d.deptype = 'e'
), relations AS MATERIALIZED (
    SELECT c.oid, c.relkind, c.oid IN (SELECT oid FROM members) AS member FROM pg_class c WHERE c.relnamespace IN (SELECT oid FROM managed)
), others (classid, objid) AS (
    SELECT 'pg_proc'::regclass::oid, p.oid FROM pg_proc p WHERE p.pronamespace IN (SELECT oid FROM managed)
    UNION ALL SELECT 'pg_operator'::regclass, o.oid FROM pg_operator o WHERE o.oprnamespace IN (SELECT oid FROM managed)
    UNION ALL SELECT 'pg_opclass'::regclass, o.oid FROM pg_opclass o WHERE o.opcnamespace IN (SELECT oid FROM managed)
    UNION ALL SELECT 'pg_opfamily'::regclass, o.oid FROM pg_opfamily o WHERE o.opfnamespace IN (SELECT oid FROM managed)
    UNION ALL SELECT 'pg_collation'::regclass, c.oid FROM pg_collation c WHERE c.collnamespace IN (SELECT oid FROM managed)
    UNION ALL SELECT 'pg_conversion'::regclass, c.oid FROM pg_conversion c WHERE c.connamespace IN (SELECT oid FROM managed)
    UNION ALL SELECT 'pg_ts_config'::regclass, t.oid FROM pg_ts_config t WHERE t.cfgnamespace IN (SELECT oid FROM managed)
    UNION ALL SELECT 'pg_ts_dict'::regclass, t.oid FROM pg_ts_dict t WHERE t.dictnamespace IN (SELECT oid FROM managed)
    UNION ALL SELECT 'pg_ts_parser'::regclass, t.oid FROM pg_ts_parser t WHERE t.prsnamespace IN (SELECT oid FROM managed)
    UNION ALL SELECT 'pg_ts_template'::regclass, t.oid FROM pg_ts_template t WHERE t.tmplnamespace IN (SELECT oid FROM managed)
    UNION ALL SELECT 'pg_default_acl'::regclass, d.oid FROM pg_default_acl d WHERE d.defaclnamespace = 0 OR d.defaclnamespace IN (SELECT oid FROM managed)
    UNION ALL SELECT 'pg_namespace'::regclass, m.oid FROM managed m
    UNION ALL SELECT 'pg_publication_rel'::regclass, p.oid FROM pg_publication_rel p JOIN relations r ON r.oid = p.prrelid
    -- what is in no schema; the first object of a user's has the number 16384
    UNION ALL SELECT 'pg_cast'::regclass, c.oid FROM pg_cast c WHERE c.oid >= 16384
    UNION ALL SELECT 'pg_language'::regclass, l.oid FROM pg_language l WHERE l.oid >= 16384
    UNION ALL SELECT 'pg_am'::regclass, a.oid FROM pg_am a WHERE a.oid >= 16384
    UNION ALL SELECT 'pg_extension'::regclass, e.oid FROM pg_extension e WHERE e.oid >= 16384
    UNION ALL SELECT 'pg_transform'::regclass, t.oid FROM pg_transform t
    UNION ALL SELECT 'pg_event_trigger'::regclass, t.oid FROM pg_event_trigger t
    WHERE t.evtfoid NOT IN (SELECT p.oid FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = 'trueup')
    UNION ALL SELECT 'pg_foreign_data_wrapper'::regclass, w.oid FROM pg_foreign_data_wrapper w
    UNION ALL SELECT 'pg_foreign_server'::regclass, s.oid FROM pg_foreign_server s
    UNION ALL SELECT 'pg_user_mapping'::regclass, m.umid FROM pg_user_mappings m
    UNION ALL SELECT 'pg_publication'::regclass, p.oid FROM pg_publication p
    UNION ALL SELECT 'pg_subscription'::regclass, s.oid
    FROM pg_subscription s WHERE s.subdbid = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
    -- members of classes and families go with them; here are those that were added to a family of the system's
    UNION ALL SELECT 'pg_amop'::regclass, m.oid FROM pg_amop m WHERE m.oid >= 16384
    UNION ALL SELECT 'pg_amproc'::regclass, m.oid FROM pg_amproc m WHERE m.oid >= 16384
), known (classid) AS (
    SELECT DISTINCT o.classid FROM others o
    UNION ALL
    SELECT unnest(ARRAY['pg_class', 'pg_attrdef', 'pg_constraint', 'pg_trigger', 'pg_rewrite', 'pg_policy', 'pg_statistic_ext', 'pg_type']::regclass[])::oid
    -- objects in schemas of the system's and in trueup's, and data
    UNION ALL
    SELECT unnest(ARRAY['pg_proc', 'pg_operator', 'pg_opclass', 'pg_opfamily', 'pg_collation', 'pg_conversion', 'pg_ts_config', 'pg_ts_dict',
                        'pg_ts_parser', 'pg_ts_template', 'pg_default_acl', 'pg_namespace', 'pg_publication_rel', 'pg_largeobject', 'pg_event_trigger']::regclass[])::oid
), -- all classes of which a row depends on anything, of this version or a later one
depending (classid) AS (
    SELECT min(d.classid) FROM pg_depend d
    UNION ALL
    SELECT (SELECT min(d.classid) FROM pg_depend d WHERE d.classid > p.classid) FROM depending p WHERE p.classid IS NOT NULL
), owned AS (
    SELECT DISTINCT s.classid, s.objid FROM pg_shdepend s WHERE s.dbid = (SELECT b.oid FROM pg_database b WHERE b.datname = current_database())
), unknown (classid, objid) AS (
    SELECT d.classid, d.objid FROM pg_depend d
    WHERE d.classid = ANY (ARRAY(SELECT classid FROM depending WHERE classid NOT IN (SELECT classid FROM known))) AND d.objid >= 16384
    UNION
    SELECT s.classid, s.objid FROM owned s WHERE s.classid NOT IN (SELECT classid FROM known) AND s.objid >= 16384
)
SELECT 'pg_class', true, 'pg_class'::regclass::oid, count(*), array_agg(r.oid) FILTER (
           WHERE NOT r.member AND r.oid NOT IN (SELECT d.objid FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objsubid = 0 AND d.deptype = 'i')
             -- what is on an extension's table is the extension's
             AND r.oid NOT IN (SELECT x.indexrelid FROM pg_index x WHERE x.indrelid IN (SELECT oid FROM members))), NULL::int8[]
FROM relations r
UNION ALL
-- the relation and how many columns it has; those of views and types are part of them
SELECT 'pg_attribute', true, 'pg_class'::regclass::oid, coalesce(sum(a.columns), 0)::int8, array_agg(a.attrelid), array_agg(a.columns)
FROM (SELECT a.attrelid, count(*) AS columns FROM pg_attribute a JOIN relations r ON r.oid = a.attrelid
      WHERE a.attnum > 0 AND NOT a.attisdropped AND r.relkind IN ('r', 'p', 'f') AND NOT r.member GROUP BY a.attrelid) AS a
UNION ALL
SELECT 'pg_attrdef', true, 'pg_attrdef'::regclass::oid, count(*), array_agg(d.oid) FILTER (WHERE NOT r.member), NULL
FROM pg_attrdef d JOIN relations r ON r.oid = d.adrelid
UNION ALL
-- a NOT NULL is its column's or its domain's, a foreign key's copy the root's, what a constraint trigger has the trigger's
SELECT 'pg_constraint', true, 'pg_constraint'::regclass::oid, count(*), array_agg(k.oid) FILTER (
           WHERE NOT (k.contype IN ('n', 't') OR k.contype = 'f' AND k.conparentid <> 0) AND k.conrelid NOT IN (SELECT oid FROM members)), NULL
FROM pg_constraint k WHERE k.connamespace IN (SELECT oid FROM managed)
UNION ALL
SELECT 'pg_trigger', true, 'pg_trigger'::regclass::oid, count(*), array_agg(t.oid) FILTER (WHERE NOT (r.member OR t.tgisinternal OR t.tgparentid <> 0)), NULL
FROM pg_trigger t JOIN relations r ON r.oid = t.tgrelid
UNION ALL
SELECT 'pg_rewrite', true, 'pg_rewrite'::regclass::oid, count(*), array_agg(w.oid) FILTER (WHERE NOT (r.member OR w.rulename = '_RETURN')), NULL
FROM pg_rewrite w JOIN relations r ON r.oid = w.ev_class
UNION ALL
SELECT 'pg_policy', true, 'pg_policy'::regclass::oid, count(*), array_agg(p.oid) FILTER (WHERE NOT r.member), NULL FROM pg_policy p JOIN relations r ON r.oid = p.polrelid
UNION ALL
SELECT 'pg_statistic_ext', true, 'pg_statistic_ext'::regclass::oid, count(*), array_agg(s.oid) FILTER (WHERE NOT r.member), NULL
FROM pg_statistic_ext s JOIN relations r ON r.oid = s.stxrelid WHERE s.stxnamespace IN (SELECT oid FROM managed)
UNION ALL
SELECT 'pg_type', true, 'pg_type'::regclass::oid, count(*), array_agg(t.oid) FILTER (WHERE t.oid NOT IN (
           SELECT d.objid FROM pg_depend d WHERE d.classid = 'pg_type'::regclass AND d.deptype IN ('e', 'i'))), NULL
FROM pg_type t WHERE t.typnamespace IN (SELECT oid FROM managed)
UNION ALL
SELECT o.classid::regclass::text, true, o.classid, count(*), array_agg(o.objid) FILTER (WHERE NOT EXISTS (
           SELECT FROM pg_depend d WHERE d.classid = o.classid AND d.objid = o.objid AND (d.deptype IN ('e', 'i') OR d.refclassid = 'pg_opfamily'::regclass AND d.refobjid >= 16384)
           OFFSET 0)), NULL
FROM others o GROUP BY o.classid
UNION ALL
SELECT u.classid::regclass::text, false, u.classid, count(*), array_agg(u.objid), NULL FROM unknown u GROUP BY u.classid
