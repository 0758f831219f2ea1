//! Indexes on tables in use: built and dropped CONCURRENTLY, so that writers go on.

use super::{Lowering, draft::Undo, is_attached, temporary_name, with_relation};
use crate::{
    catalog::Catalog,
    diff::How,
    graph::Unit,
    kind::{Index, Object},
    name::{Kind, ObjectId, Path},
    sql::{self, Sql},
    step::{Action, Verb, With},
};

impl Lowering<'_> {
    /// CREATE INDEX CONCURRENTLY; on a partitioned table plainly, which PostgreSQL only does so.
    pub(super) fn create_index(&mut self, unit: &Unit, index: &Index) {
        let summary = format!("create {} on {}", with_relation(&unit.root), index.relation());
        let statements = index.statements(&unit.root, false);
        if index.partitioned {
            return self.push(unit, Verb::Create, summary, Action::bulk(statements), Undo::Derived);
        }
        let drop = if self.goes_with_parent(&unit.root.path) {
            Action::drop_index_if_exists(unit.root.clone())
        } else {
            Action::drop_index(unit.root.clone())
        };
        let settings = index.settings(&unit.root);
        let build = build(&unit.root, index);
        if self.is_freed(unit.root.path.part(0), unit.root.path.last()) {
            let verb = if self.comes_back(unit) { Verb::Replace } else { Verb::Create };
            self.push(unit, verb, summary, build, drop);
        } else {
            self.preparing(self.catalogs.after, &unit.root, |this| {
                this.push(unit, Verb::Create, summary, build, drop);
            });
        }
        if !settings.is_empty() {
            let summary = format!("alter {}", unit.root);
            let undo = Action::catalog(undo_settings(index));
            self.push(unit, Verb::Alter, summary, Action::catalog(settings), undo);
        }
    }

    /// `IF EXISTS ` for the undo of an index that is attached to a partitioned one: that takes it along when it goes.
    pub(super) fn if_exists(&self, index: &Path) -> &'static str {
        if self.goes_with_parent(index) { "IF EXISTS " } else { "" }
    }

    /// Whether it is attached to a partitioned index in the end.
    fn goes_with_parent(&self, index: &Path) -> bool {
        is_attached(self.catalogs.after, index.part(0), index.last())
    }

    /// DROP INDEX CONCURRENTLY, where PostgreSQL can do that and the undo is one statement, too. One that comes back as
    /// another is there before the old one goes.
    pub(super) fn drop_index(&mut self, unit: &Unit, index: &Index) -> bool {
        let (comments, others): (Vec<&ObjectId>, Vec<&ObjectId>) =
            unit.members.iter().filter(|id| **id != unit.root).partition(|id| id.kind == Kind::Comment);
        if !others.is_empty()
            || index.partitioned
            || is_attached(self.catalogs.before, unit.root.path.part(0), unit.root.path.last())
        {
            return false;
        }
        let settings = index.settings(&unit.root);
        let bare = comments.is_empty() && settings.is_empty();
        if bare && !self.referred_to_anew.contains(&unit.root) && self.replace_index(unit, index) {
            return true;
        }
        let summary = format!("drop {} on {}", with_relation(&unit.root), index.relation());
        let undo = build(&unit.root, index);
        // what the way back says of it once it is there
        let comments =
            comments.into_iter().filter_map(|id| Some((id, self.catalogs.before.objects.get(id)?)));
        let comments = comments.flat_map(|(id, comment)| comment.create(id).into_statements());
        let said: Vec<Sql> = settings.into_iter().chain(comments).collect();
        if !said.is_empty() {
            let what = format!("alter {}", unit.root);
            self.push_back(unit, Verb::Alter, &unit.root, &what, Action::catalog(said), With::Next);
        }
        let verb = if self.comes_back(unit) { Verb::Replace } else { Verb::Drop };
        self.push(unit, verb, summary, Action::drop_index(unit.root.clone()), undo);
        true
    }

    pub(super) fn comes_back(&self, unit: &Unit) -> bool {
        self.changes.get(&unit.root).is_some_and(|change| change.how == How::Replace)
    }

    /// The next one is built under another name; then the names are exchanged, and the old one goes. The way back is the
    /// same with the two exchanged.
    fn replace_index(&mut self, unit: &Unit, old: &Index) -> bool {
        let id = &unit.root;
        let Some(Object::Index(new)) = self.changes.get(id).and_then(|change| change.object.after.as_ref())
        else {
            return false;
        };
        let table = old.relation();
        if !self.has_what_it_needs(id, &table)
            || new.relation() != table
            || !stands_alone(id, new, self.catalogs.after)
        {
            return false;
        }
        let (spare, fresh) = (replacement(id, "old"), replacement(id, "new"));
        let what = format!("{} on {table}", with_relation(id));
        let (made, gone) = (build(&fresh, new), build(&spare, old));
        let next = format!("build the next {what}");
        self.preparing(self.catalogs.after, id, |this| {
            this.push_about(&fresh, unit, Verb::Create, next, made, Action::drop_index(fresh.clone()));
        });
        let exchange = Action::swap(vec![rename(id, &spare), rename(&fresh, id)]);
        let back = Action::swap(vec![rename(id, &fresh), rename(&spare, id)]);
        self.push(unit, Verb::Alter, format!("exchange {what}"), exchange, back);
        let drop = format!("drop what was {what}");
        self.push_about(&spare, unit, Verb::Drop, drop, Action::drop_index(spare.clone()), gone);
        self.done.insert(id.clone());
        true
    }
}

/// Whether it is one statement, and part of no other index.
fn stands_alone(id: &ObjectId, index: &Index, catalog: &Catalog) -> bool {
    let attached = is_attached(catalog, id.path.part(0), id.path.last());
    !index.partitioned && !attached && index.settings(id).is_empty()
}

/// The name of a replacement index until the other one is gone.
pub(super) fn replacement(of: &ObjectId, what: &str) -> ObjectId {
    ObjectId::new(Kind::Index, [of.path.part(0), &temporary_name(what, of)])
}

/// Gives an index the name of another.
pub(super) fn rename(index: &ObjectId, to: &ObjectId) -> Sql {
    Sql::new(format!("ALTER INDEX {} RENAME TO {}", index.sql(), sql::ident(to.path.last())))
}

/// CREATE INDEX CONCURRENTLY under this name.
pub(super) fn build(id: &ObjectId, index: &Index) -> Action {
    Action::build_index(id.clone(), index.relation(), index.unique, index.on())
}

/// What the table is before the index says anything of it.
fn undo_settings(index: &Index) -> Vec<Sql> {
    let mut statements = Vec::new();
    if index.clustered {
        statements
            .push(Sql::new(format!("ALTER TABLE {} SET WITHOUT CLUSTER", sql::qualified(&index.table))));
    }
    if index.replica_identity {
        statements
            .push(Sql::new(format!("ALTER TABLE {} REPLICA IDENTITY DEFAULT", sql::qualified(&index.table))));
    }
    statements
}
