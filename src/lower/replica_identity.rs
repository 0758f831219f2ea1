//! Tables whose replica identity is an index no more. The table says so first, and says on the way back which index it was
//! once that is there again: `DROP INDEX` alone would leave a table that publishes no updates (PostgreSQL manual, "ALTER
//! TABLE", REPLICA IDENTITY).

use super::Lowering;
use crate::{
    diff::{Change, Changes},
    kind::Object,
    name::ObjectId,
    sql::{self, Sql},
};

/// The object as it is once the table has said that its replica identity is something else.
pub(super) fn without_identity(changes: &Changes, id: &ObjectId, object: &Object) -> Object {
    let lost = |table: &ObjectId| changes.get(table).is_some_and(Change::loses_identity);
    match object {
        Object::Index(index) if index.replica_identity && lost(&index.relation()) => {
            let mut index = index.clone();
            index.replica_identity = false;
            Object::Index(index)
        }
        Object::Constraint(key)
            if key.replica_identity && id.relation().is_some_and(|table| lost(&table)) =>
        {
            let mut key = key.clone();
            key.replica_identity = false;
            Object::Constraint(key)
        }
        _ => object.clone(),
    }
}

impl Lowering<'_> {
    /// What the way back says of a table that has lost its replica identity.
    pub(super) fn identify_again(&self, id: &ObjectId) -> Option<Sql> {
        self.changes.get(id).filter(|change| change.loses_identity())?;
        let index = self.catalogs.before.replica_identity(id)?;
        let name = sql::ident(index.path.last());
        Some(Sql::new(format!("ALTER TABLE {} REPLICA IDENTITY USING INDEX {name}", id.sql())))
    }
}
