WITH c AS (
  SELECT c.oid, c.relkind, n.nspname, c.relname,
         pg_catalog.format('%I.%I', n.nspname, c.relname) AS name
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
   WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast', 'trueup')
)
SELECT 'table ' || name, 'CREATE TABLE ' || name, '{}'::text[] FROM c WHERE relkind = 'r'
UNION ALL
SELECT 'column ' || c.name || '.' || pg_catalog.quote_ident(a.attname),
       'ALTER TABLE ' || c.name || ' ADD COLUMN ' || pg_catalog.quote_ident(a.attname) || ' ' || pg_catalog.format_type(a.atttypid, a.atttypmod)
         || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END,
       ARRAY['table ' || c.name]
  FROM c JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped WHERE relkind = 'r'
UNION ALL
SELECT 'index ' || c.name, pg_catalog.pg_get_indexdef(c.oid) || CASE WHEN i.indisvalid THEN '' ELSE ' INVALID' END,
       ARRAY['table ' || t.name]
  FROM c JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid JOIN c t ON t.oid = i.indrelid
UNION ALL
SELECT 'view ' || c.name, 'CREATE VIEW ' || c.name || ' AS ' || pg_catalog.pg_get_viewdef(c.oid),
       ARRAY(SELECT DISTINCT 'column ' || t.name || '.' || pg_catalog.quote_ident(a.attname) FROM pg_catalog.pg_rewrite r JOIN pg_catalog.pg_depend d ON d.objid = r.oid JOIN c t ON t.oid = d.refobjid JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid AND a.attnum > 0 WHERE r.ev_class = c.oid AND t.relkind = 'r')
  FROM c WHERE relkind = 'v'
