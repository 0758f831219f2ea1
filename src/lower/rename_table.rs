//! Tables that get another name while code uses both: `@renamed … online`.
//!
//! In expand the new name is a view of the table, which reads and writes it; the table stays what it is, so that old
//! code sees no difference. In contract the view goes and the table gets the name, in one transaction. The way back
//! is the same the other way round. (Manual, CREATE VIEW, Updatable Views.)

use std::collections::BTreeSet;

use super::{Lowering, draft::Draft};
use crate::{
    graph::Unit,
    kind::{Definition, Object},
    name::{Kind, ObjectId},
    sql::{self, Sql},
    step::{Action, Phase, Step, Verb},
};

/// A table that is renamed while code uses both names. It is known under the new one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableRenaming {
    /// The name that it has.
    pub from: String,
    /// What is renamed within it, or called after it: along with it.
    pub along: Vec<Step>,
}

impl Lowering<'_> {
    /// The steps of one renamed table, whatever else changes.
    pub(super) fn rename_table_online(&mut self, id: &ObjectId, renaming: &TableRenaming) {
        let view = ObjectId { kind: Kind::View, path: id.path.clone() };
        let unit = |phase| Unit::apart(id.clone(), phase);
        let (old, new) = (sql::ident(&renaming.from), sql::ident(id.path.last()));
        let table = sql::qualified(&[id.path.part(0), &renaming.from]);
        let come = self.view_of(id, &table);
        let go = Sql::new(format!("DROP VIEW {}", view.sql()));
        let rename = |of: &str, to: &str| Sql::new(format!("ALTER TABLE {of} RENAME TO {to}"));

        let summary = format!("create {view}, by which new code reads and writes {table}");
        let (run, undo) = (Action::catalog(come.clone()), Action::catalog(vec![go.clone()]));
        self.push_about(&view, &unit(Phase::Expand), Verb::Create, summary, run, undo);

        let back = std::iter::once(rename(&id.sql(), &old)).chain(come).collect();
        self.push(
            &unit(Phase::Contract),
            Verb::Rename,
            format!("rename table {table} to {new}"),
            Action::swap(vec![go, rename(&table, &new)]),
            Action::swap(back),
        );
        self.steps.extend(renaming.along.iter().cloned().map(Draft::from));
    }

    /// The view that has the table's new name for a while, with all that was granted on the table. Who uses it needs
    /// the table's own privileges and sees the rows that policies let them see, as far as the server can say so (15).
    fn view_of(&self, id: &ObjectId, table: &str) -> Vec<Sql> {
        let as_invoker = if self.context.major >= 15 { " WITH (security_invoker = true)" } else { "" };
        let mut all =
            vec![Sql::new(format!("CREATE VIEW {}{as_invoker} AS\nSELECT * FROM {table}", id.sql()))];
        let objects = &self.catalogs.before.objects;
        let about = |kind: Kind| {
            let of = |target: &ObjectId| target == id || target.relation().as_ref() == Some(id);
            objects.iter().filter(move |(about, _)| {
                about.kind == kind && about.target().is_some_and(|target| of(&target))
            })
        };
        for (about, object) in about(Kind::Owner).chain(about(Kind::Privileges)) {
            match object {
                Object::Owner(owner) => all.extend(owner.create(about).into_statements()),
                Object::Privileges(granted) => all.extend(granted.create(about).into_statements()),
                _ => {}
            }
        }
        all
    }
}

/// The tables among what is renamed or converted.
pub(super) fn tables(of: &BTreeSet<ObjectId>) -> impl Iterator<Item = ObjectId> {
    of.iter().filter_map(|id| if id.kind == Kind::Table { Some(id.clone()) } else { id.relation() })
}
