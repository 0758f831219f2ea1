//! Partitions that DETACH PARTITION … CONCURRENTLY was interrupted at.
//!
//! It marks the partition in one transaction, waits for everybody who uses the parent, and takes it away in another one.
//! What is marked cannot be detached again, only finished (PostgreSQL manual, "ALTER TABLE", DETACH PARTITION, FINALIZE).

use crate::{name::ObjectId, postgres::Session, sql};

/// What DETACH PARTITION … CONCURRENTLY takes away.
#[derive(Debug, Clone, Copy)]
pub struct Detachment<'a> {
    /// The partitioned table.
    pub parent: &'a ObjectId,
    /// The partition.
    pub partition: &'a ObjectId,
}

const STATE: &str = "\
SELECT i.inhdetachpending
  FROM pg_catalog.pg_inherits i
 WHERE i.inhparent OPERATOR(pg_catalog.=) (
         SELECT c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
          WHERE n.nspname OPERATOR(pg_catalog.=) $1::text::name AND c.relname OPERATOR(pg_catalog.=) $2::text::name)
   AND i.inhrelid OPERATOR(pg_catalog.=) (
         SELECT c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
          WHERE n.nspname OPERATOR(pg_catalog.=) $3::text::name AND c.relname OPERATOR(pg_catalog.=) $4::text::name)";

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

impl Detachment<'_> {
    /// Looks how far it is.
    pub async fn state(&self, session: &Session) -> Result<DetachState, tokio_postgres::Error> {
        let Self { parent, partition } = self;
        let names =
            [parent.path.part(0), parent.path.part(1), partition.path.part(0), partition.path.part(1)];
        let [a, b, c, d] = &names;
        Ok(match session.client().query_opt(STATE, &[a, b, c, d]).await? {
            None => DetachState::Detached,
            Some(row) if row.try_get(0)? => DetachState::Pending,
            Some(_) => DetachState::Attached,
        })
    }

    /// The statement that finishes it.
    pub fn finalize(&self) -> String {
        let [parent, partition] =
            [self.parent, self.partition].map(|table| sql::qualified(table.path.parts()));
        format!("ALTER TABLE {parent} DETACH PARTITION {partition} FINALIZE")
    }
}
