//! Indexes on tables in use: built and dropped CONCURRENTLY, so that writers go on.

use super::{Lowering, with_relation};
use crate::{
    graph::Unit,
    kind::Index,
    name::{Kind, ObjectId, Path},
    sql::Sql,
    step::{Action, Verb},
};

impl Lowering<'_> {
    /// CREATE INDEX CONCURRENTLY; on a partitioned table plainly, which PostgreSQL only does so.
    pub(super) fn create_index(&mut self, unit: &Unit, index: &Index) {
        let summary = format!("create {} on {}", with_relation(&unit.root), index.relation());
        let mut statements = index.statements(&unit.root, !index.partitioned);
        if index.partitioned {
            return self.push(
                unit,
                Verb::Create,
                summary,
                Action::slow(statements),
                Action::catalog(Vec::new()),
            );
        }
        let if_exists = self.if_exists(&unit.root.path);
        let drop = Sql::new(format!("DROP INDEX CONCURRENTLY {if_exists}{}", unit.root.sql()));
        let settings = statements.split_off(1);
        let build = statements.remove(0);
        self.push(unit, Verb::Create, summary, Action::concurrent(build), Action::concurrent(drop));
        if !settings.is_empty() {
            let summary = format!("alter {}", unit.root);
            let undo = Action::catalog(undo_settings(index));
            self.push(unit, Verb::Alter, summary, Action::catalog(settings), undo);
        }
    }

    /// `IF EXISTS ` for the undo of an index that is attached to a partitioned one: that takes it along when it goes.
    pub(super) fn if_exists(&self, index: &Path) -> &'static str {
        let attached = ObjectId { kind: Kind::IndexAttachment, path: index.clone() };
        if self.catalogs.after.objects.contains_key(&attached) { "IF EXISTS " } else { "" }
    }

    /// DROP INDEX CONCURRENTLY, where PostgreSQL can do that and the undo is one statement, too.
    pub(super) fn drop_index(&mut self, unit: &Unit, index: &Index) -> bool {
        let mut undo = index.statements(&unit.root, true);
        let attached = ObjectId { kind: Kind::IndexAttachment, path: unit.root.path.clone() };
        if index.partitioned
            || undo.len() != 1
            || unit.members.len() > 1
            || self.catalogs.before.objects.contains_key(&attached)
        {
            return false;
        }
        let summary = format!("drop {} on {}", with_relation(&unit.root), index.relation());
        let undo = Action::concurrent(undo.remove(0));
        self.push(unit, Verb::Drop, summary, Action::concurrent(drop_statement(unit)), undo);
        true
    }
}

fn drop_statement(unit: &Unit) -> Sql {
    Sql::new(format!("DROP INDEX CONCURRENTLY {}", unit.root.sql()))
}

/// What the table is before the index says anything of it.
fn undo_settings(index: &Index) -> Vec<Sql> {
    let mut statements = Vec::new();
    if index.clustered {
        statements.push(Sql::new(format!(
            "ALTER TABLE {} SET WITHOUT CLUSTER",
            crate::sql::qualified(&index.table)
        )));
    }
    if index.replica_identity {
        statements.push(Sql::new(format!(
            "ALTER TABLE {} REPLICA IDENTITY DEFAULT",
            crate::sql::qualified(&index.table)
        )));
    }
    statements
}
