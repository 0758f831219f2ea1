//! Indexes that CREATE INDEX CONCURRENTLY left behind.
//!
//! When it fails, or its backend dies, an INVALID index stays and takes the name. Such a left-over is dropped,
//! concurrently, before the statement runs again; unless somebody is still building it.

use pg_query::{NodeEnum, protobuf::ObjectType};

use super::{Item, RunError, is_lost};
use crate::{
    name::{Kind, ObjectId},
    postgres::Session,
    sql::{self, Sql},
};

/// What there is under an index's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IndexState {
    /// Nothing.
    Absent,
    /// An index that works.
    Valid,
    /// A left-over.
    Invalid,
    /// An index that this backend is building.
    InProgress(i32),
}

pub(super) fn concurrent_statement(sql: &Sql) -> Option<NodeEnum> {
    // cheaper than parsing every statement there is
    if !sql.as_str().to_ascii_lowercase().contains("concurrently") {
        return None;
    }
    let parsed = pg_query::parse(sql.as_str(), pg_query::ParserOptions::default()).ok()?;
    parsed.protobuf.stmts.into_iter().next()?.stmt?.node
}

/// The index that the statement creates concurrently, if that is what it does.
pub fn concurrent_index(sql: &Sql) -> Option<ObjectId> {
    let NodeEnum::IndexStmt(index) = concurrent_statement(sql)? else { return None };
    let table = index.relation?;
    let (concurrent, name) = (index.concurrent, index.idxname);
    concurrent.then(|| ObjectId::new(Kind::Index, [table.schemaname, name]))
}

/// The index that the statement drops concurrently, if that is what it does.
pub fn concurrently_dropped(sql: &Sql) -> Option<ObjectId> {
    let NodeEnum::DropStmt(drop) = concurrent_statement(sql)? else { return None };
    let [object] = &drop.objects[..] else { return None };
    let Some(NodeEnum::List(names)) = &object.node else { return None };
    let names = names.items.iter().map(|name| match &name.node {
        Some(NodeEnum::String(name)) => Some(name.sval.clone()),
        _ => None,
    });
    let path = names.collect::<Option<Vec<String>>>().filter(|path| path.len() == 2)?;
    (drop.concurrent && drop.remove_type() == ObjectType::ObjectIndex)
        .then(|| ObjectId::new(Kind::Index, path))
}

const STATE: &str = "\
SELECT i.indisvalid, p.pid
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
  JOIN pg_catalog.pg_index i ON i.indexrelid OPERATOR(pg_catalog.=) c.oid
  LEFT JOIN pg_catalog.pg_stat_progress_create_index p ON p.index_relid OPERATOR(pg_catalog.=) c.oid
 WHERE n.nspname OPERATOR(pg_catalog.=) $1::text AND c.relname OPERATOR(pg_catalog.=) $2::text
   AND c.relkind OPERATOR(pg_catalog.=) 'i'";

/// Looks what there is under the index's name.
pub async fn index_state(session: &Session, index: &ObjectId) -> Result<IndexState, tokio_postgres::Error> {
    let row = session.client().query_opt(STATE, &[&index.path.part(0), &index.path.last()]).await?;
    Ok(match row {
        None => IndexState::Absent,
        Some(row) => match (row.try_get::<_, bool>(0)?, row.try_get::<_, Option<i32>>(1)?) {
            (true, _) => IndexState::Valid,
            (false, Some(pid)) => IndexState::InProgress(pid),
            (false, None) => IndexState::Invalid,
        },
    })
}

/// Drops the index, concurrently, if it is a left-over: `item` is the one that creates it.
pub async fn drop_left_over(session: &Session, index: &ObjectId, item: &Item) -> Result<(), RunError> {
    let control = |sql: &str| {
        let sql = sql.to_owned();
        move |source| RunError::Control { sql, lost: is_lost(session, &source), source }
    };
    match index_state(session, index).await.map_err(control("looking for an invalid index"))? {
        IndexState::Absent | IndexState::Valid => Ok(()),
        IndexState::InProgress(pid) => {
            Err(RunError::IndexInProgress { step: item.step, object: item.object.to_string(), pid })
        }
        IndexState::Invalid => {
            let drop = format!("DROP INDEX CONCURRENTLY {}", sql::qualified(index.path.parts()));
            session.client().batch_execute(&drop).await.map_err(control(&drop))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_built_concurrently_is_recognised() {
        let found = |sql| concurrent_index(&Sql::new(sql)).map(|id| id.to_string());
        assert_eq!(
            found("CREATE UNIQUE INDEX CONCURRENTLY \"I x\" ON ONLY app.\"T\" USING btree (a)").as_deref(),
            Some("index app.\"I x\"")
        );
        assert_eq!(found("CREATE INDEX i ON app.t (concurrently)"), None);
        assert_eq!(found("DROP INDEX CONCURRENTLY app.i"), None);
        assert_eq!(found("concurrently nonsense"), None);
    }
}
