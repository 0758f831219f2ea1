//! Whose code computes the bounds of a partition: ATTACH PARTITION converts them to the types of the key, and compares them with
//! those of the other partitions.

use tokio_postgres::Error;

use super::as_owner::Owner;
use crate::postgres::Session;

/// Whose code it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Bounds {
    /// PostgreSQL's alone, or code of a role that may have the session's rights.
    Own,
    /// The partitioned table's owner's: the bounds are computed with his rights.
    Of(Owner),
    /// Code of this role, which would have a superuser's rights.
    Gains(String),
}

/// Code that the key of a table ($1) runs: types other than base types and enums, and functions, that are not PostgreSQL's.
/// One owner who is no superuser, if there is one, and whether the session's role is a superuser. No row: there is none.
const CODE: &str = "\
WITH key AS (SELECT p.partrelid, p.partattrs FROM pg_catalog.pg_partitioned_table p
              WHERE p.partrelid = pg_catalog.to_regclass($1)),
type AS (SELECT a.atttypid AS oid FROM key
           JOIN pg_catalog.pg_attribute a ON a.attrelid = key.partrelid AND a.attnum = ANY (key.partattrs)
          UNION SELECT d.refobjid FROM key JOIN pg_catalog.pg_depend d ON d.objid = key.partrelid AND d.objsubid = 0
                 WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                   AND d.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass),
code AS (SELECT t.typowner AS owner FROM type JOIN pg_catalog.pg_type c ON c.oid = type.oid
           JOIN pg_catalog.pg_type t ON t.oid IN (c.oid, c.typelem)
          WHERE t.typtype IN ('d', 'c', 'r', 'm') AND t.typnamespace <> 'pg_catalog'::pg_catalog.regnamespace
          UNION SELECT f.proowner FROM key JOIN pg_catalog.pg_depend d ON d.objid = key.partrelid AND d.objsubid = 0
                  JOIN pg_catalog.pg_proc f ON f.oid = d.refobjid
                 WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                   AND d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass)
SELECT pg_catalog.min(r.rolname::text) FILTER (WHERE NOT r.rolsuper),
       (SELECT u.rolsuper FROM pg_catalog.pg_roles u WHERE u.rolname = current_user)
  FROM code JOIN pg_catalog.pg_roles r ON r.oid = code.owner
HAVING pg_catalog.count(*) > 0";

/// Whose it is for a partitioned table, as SQL names it. The caller has locked the table, so that nobody swaps it meanwhile.
pub(super) async fn of(session: &Session, table: &str) -> Result<Bounds, Error> {
    let Some(row) = session.client().query_opt(CODE, &[&table]).await? else { return Ok(Bounds::Own) };
    let owner = Owner::of_relation(session, table).await?;
    Ok(match (owner, row.try_get(0)?, row.try_get(1)?) {
        (Some(owner), _, _) => Bounds::Of(owner),
        (None, Some(code_of), true) => Bounds::Gains(code_of),
        (None, _, _) => Bounds::Own,
    })
}

/// Whether there is such a relation, and whether it belongs to the session's role.
pub(super) async fn is_own(session: &Session, table: &str) -> Result<Option<bool>, Error> {
    const OWN: &str = "\
SELECT r.rolname = current_user FROM pg_catalog.pg_class c JOIN pg_catalog.pg_roles r ON r.oid = c.relowner
 WHERE c.oid = pg_catalog.to_regclass($1)";
    session.client().query_opt(OWN, &[&table]).await?.map(|row| row.try_get(0)).transpose()
}
