//! What is in a relation only between two batches of a phase: columns beside, triggers that fill them, checks that are
//! proven before NOT NULL is, indexes that become keys. A plan that stopped there finds its own, and nobody else's.

use std::collections::BTreeSet;

use tokio_postgres::types::Type;

use super::moments::Named;
use crate::{
    name::{Kind, ObjectId},
    postgres::Session,
    source::live::ReadError,
};

const PARTS: &str = r"
WITH r AS (SELECT c.oid, nspname::text, relname::text
             FROM unnest($1::text[]) AS wanted (name)
             JOIN pg_class c ON c.oid = to_regclass(name)
             JOIN pg_namespace n ON n.oid = relnamespace)
SELECT 'column', ARRAY[nspname, relname, attname::text]
  FROM r JOIN pg_attribute ON attrelid = r.oid AND attnum > 0 AND NOT attisdropped
UNION ALL SELECT 'default', ARRAY[nspname, relname, attname::text]
  FROM r JOIN pg_attribute ON attrelid = r.oid AND attnum > 0 AND NOT attisdropped AND atthasdef
UNION ALL SELECT 'constraint', ARRAY[nspname, relname, conname::text] FROM r JOIN pg_constraint ON conrelid = r.oid
UNION ALL SELECT 'trigger', ARRAY[nspname, relname, tgname::text]
  FROM r JOIN pg_trigger ON tgrelid = r.oid AND NOT tgisinternal AND tgparentid = 0
UNION ALL SELECT 'index', ARRAY[n.nspname::text, i.relname::text]
  FROM r JOIN pg_index ON indrelid = r.oid JOIN pg_class i ON i.oid = indexrelid JOIN pg_namespace n ON n.oid = i.relnamespace
 WHERE NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND contype IN ('p', 'u', 'x'))";

/// The parts that relations of these names have now.
pub(super) async fn parts(
    session: &Session,
    names: &BTreeSet<Named>,
) -> Result<BTreeSet<ObjectId>, ReadError> {
    let failed =
        |source| ReadError::Query { what: "what relations have between two batches".to_owned(), source };
    let names: Vec<&str> = names.iter().filter_map(Named::relation).collect();
    let rows = session.client().query_typed(PARTS, &[(&names, Type::TEXT_ARRAY)]).await.map_err(failed)?;
    session.take_notices();
    let part = |row: &tokio_postgres::Row| {
        let (kind, path): (String, Vec<String>) = (row.try_get(0)?, row.try_get(1)?);
        let kind = match kind.as_str() {
            "column" => Kind::Column,
            "default" => Kind::Default,
            "constraint" => Kind::Constraint,
            "trigger" => Kind::Trigger,
            _ => Kind::Index,
        };
        Ok(ObjectId::new(kind, path))
    };
    rows.iter().map(part).collect::<Result<_, _>>().map_err(failed)
}
