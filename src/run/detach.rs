//! Partitions that DETACH PARTITION … CONCURRENTLY was interrupted at.
//!
//! It marks the partition in one transaction, waits for everybody who uses the whole, and takes it away in another one.
//! What is marked cannot be detached again, only finished (PostgreSQL manual, "ALTER TABLE", DETACH PARTITION, FINALIZE).

use pg_query::{NodeEnum, protobuf::AlterTableType};

use super::index::concurrent_statement;
use crate::{
    name::{Kind, ObjectId},
    postgres::Session,
    sql::{self, Sql},
};

/// What DETACH PARTITION … CONCURRENTLY takes away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detachment {
    /// The partitioned table.
    pub whole: ObjectId,
    /// The partition.
    pub partition: ObjectId,
}

/// The partition that the statement detaches concurrently, if that is what it does.
pub fn concurrently_detached(sql: &Sql) -> Option<Detachment> {
    let NodeEnum::AlterTableStmt(alter) = concurrent_statement(sql)? else { return None };
    let [command] = &alter.cmds[..] else { return None };
    let Some(NodeEnum::AlterTableCmd(command)) = &command.node else { return None };
    let Some(NodeEnum::PartitionCmd(detach)) = command.def.as_ref().and_then(|def| def.node.as_ref()) else {
        return None;
    };
    let detaches = command.subtype() == AlterTableType::AtDetachPartition && detach.concurrent;
    let table = |range: &pg_query::protobuf::RangeVar| {
        ObjectId::new(Kind::Table, [&range.schemaname, &range.relname])
    };
    let (whole, partition) = alter.relation.as_ref().zip(detach.name.as_ref())?;
    detaches.then(|| Detachment { whole: table(whole), partition: table(partition) })
}

const STATE: &str = "\
SELECT i.inhdetachpending
  FROM pg_catalog.pg_inherits i
  JOIN pg_catalog.pg_class p ON p.oid OPERATOR(pg_catalog.=) i.inhparent
  JOIN pg_catalog.pg_namespace pn ON pn.oid OPERATOR(pg_catalog.=) p.relnamespace
  JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) i.inhrelid
  JOIN pg_catalog.pg_namespace cn ON cn.oid OPERATOR(pg_catalog.=) c.relnamespace
 WHERE pn.nspname OPERATOR(pg_catalog.=) $1::text AND p.relname OPERATOR(pg_catalog.=) $2::text
   AND cn.nspname OPERATOR(pg_catalog.=) $3::text AND c.relname OPERATOR(pg_catalog.=) $4::text";

/// How far a partition is on its way out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DetachState {
    /// It is a partition.
    Attached,
    /// It was marked, and nobody finished it.
    Pending,
    /// It is none.
    Detached,
}

impl Detachment {
    /// Looks how far it is.
    pub async fn state(&self, session: &Session) -> Result<DetachState, tokio_postgres::Error> {
        let Self { whole, partition } = self;
        let names = [whole.path.part(0), whole.path.part(1), partition.path.part(0), partition.path.part(1)];
        let [a, b, c, d] = &names;
        Ok(match session.client().query_opt(STATE, &[a, b, c, d]).await? {
            None => DetachState::Detached,
            Some(row) if row.try_get(0)? => DetachState::Pending,
            Some(_) => DetachState::Attached,
        })
    }

    /// The statement that finishes it.
    pub fn finalize(&self) -> String {
        let [whole, partition] =
            [&self.whole, &self.partition].map(|table| sql::qualified(table.path.parts()));
        format!("ALTER TABLE {whole} DETACH PARTITION {partition} FINALIZE")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_detached_concurrently_is_recognised() {
        let found = |sql| concurrently_detached(&Sql::new(sql)).map(|detachment| detachment.finalize());
        assert_eq!(
            found("ALTER TABLE app.\"T\" DETACH PARTITION app.\"t 1\" CONCURRENTLY").as_deref(),
            Some("ALTER TABLE app.\"T\" DETACH PARTITION app.\"t 1\" FINALIZE")
        );
        assert_eq!(found("ALTER TABLE app.t DETACH PARTITION app.concurrently"), None);
        assert_eq!(found("DROP INDEX CONCURRENTLY app.i"), None);
    }
}
