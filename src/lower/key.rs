//! Keys on tables in use: a unique index built CONCURRENTLY, then made the constraint's. A key that takes another's place
//! is built before that one goes, and one that goes can come back in the same way.

use super::{
    Lowering, alter_table, draft::Undo, index::replacement, is_attached, temporary_name, with_relation,
};
use crate::{
    graph::{self, Act, Unit},
    kind::{Constraint, Definition, Object, constraint::ConstraintType},
    name::{Kind, ObjectId, Path},
    sql::{self, Sql},
    step::{Action, Verb, With},
};

/// A key as an index that is built first.
pub(super) struct Built {
    /// CREATE UNIQUE INDEX CONCURRENTLY.
    pub build: Action,
    /// Its undo: dropping the constraint has dropped its index, too.
    pub discard: Action,
    /// The clauses of ALTER TABLE that make the constraint out of it.
    pub adopt: Vec<String>,
}

impl Built {
    /// UNIQUE and PRIMARY KEY over an index of this name. None for EXCLUDE, WITHOUT OVERLAPS and keys of partitioned
    /// tables, for which PostgreSQL has no other way than plainly.
    pub fn of(id: &ObjectId, key: &Constraint, index: &str) -> Option<Self> {
        let word = match key.contype {
            ConstraintType::PrimaryKey => "PRIMARY KEY",
            _ => "UNIQUE",
        };
        if key.lineage.partition || key.facts.exclusion.is_some() {
            return None;
        }
        let (name, table, quoted) = (id.sql(), id.relation_sql(), sql::ident(index));
        let on = format!("ON {table} {}", key.body()?.text(&key.options, key.tablespace.as_deref()));
        let table_id = id.relation()?;
        let index = ObjectId::new(Kind::Index, [id.path.part(0), index]);
        let mut adopt =
            vec![format!("ADD CONSTRAINT {name} {word} USING INDEX {quoted}{}", key.facts.suffix)];
        adopt.extend(key.settings(id));
        Some(Self {
            build: Action::build_index(index.clone(), table_id, true, on),
            discard: Action::drop_index_if_exists(index),
            adopt,
        })
    }
}

fn drop_clause(id: &ObjectId) -> String {
    format!("DROP CONSTRAINT {}", id.sql())
}

impl Lowering<'_> {
    /// The index, then the constraint over it.
    pub(super) fn create_key(&mut self, unit: &Unit, key: &Constraint) {
        let id = &unit.root;
        let summary = format!("add {}", with_relation(id));
        let index = Path::from([id.path.part(0), id.path.last()]);
        let (if_exists, quoted, table) = (self.if_exists(&index), id.sql(), id.relation_sql());
        let drop = Sql::new(format!("ALTER TABLE {table} DROP CONSTRAINT {if_exists}{quoted}"));
        let drop = if key.lineage.partition { Undo::Derived } else { Action::catalog(vec![drop]).into() };
        // the constraint gives its name to the index
        let name = if self.is_freed(id.path.part(0), id.path.last()) {
            temporary_name("new", id)
        } else {
            id.path.last().to_owned()
        };
        let Some(built) = Built::of(id, key, &name) else {
            let sql = key.create(id).into_statements();
            return self.push(unit, Verb::Create, summary, Action::bulk(sql), drop);
        };
        let build = format!("build the index of {}", with_relation(id));
        self.preparing(self.catalogs.after, id, |this| {
            this.push(unit, Verb::Create, build, built.build, built.discard);
        });
        let adopt = Action::catalog(alter_table(id, built.adopt));
        self.push(unit, Verb::Alter, summary, adopt, drop);
    }

    /// A key that goes; with it comes the one that takes its place, if that can be built before. On the way back the old
    /// one is built first, too.
    pub(super) fn drop_key(&mut self, unit: &Unit, key: &Constraint) -> bool {
        let old = &unit.root;
        let spare = replacement(old, "old");
        if unit.members.len() > 1 || is_attached(self.catalogs.before, old.path.part(0), old.path.last()) {
            return false;
        }
        let Some(back) = Built::of(old, key, spare.path.last()) else { return false };
        let rebuild = format!("build the index of {}", with_relation(old));
        let Some((new, next)) = self.successor(old, key) else {
            let summary = format!("drop {}", with_relation(old));
            let (run, undo) = (alter_table(old, vec![drop_clause(old)]), alter_table(old, back.adopt));
            self.push(unit, Verb::Drop, summary, Action::catalog(run), Action::catalog(undo));
            self.preparing(self.catalogs.before, old, |this| {
                this.push_back(unit, Verb::Drop, &spare, &rebuild, back.build, With::Previous);
            });
            return true;
        };
        let fresh = replacement(&new, "new");
        let Some(built) = Built::of(&new, next, fresh.path.last()) else { return false };
        let build = format!("build the index of {}", with_relation(&new));
        self.preparing(self.catalogs.after, &new, |this| {
            this.push_about(&fresh, unit, Verb::Create, build, built.build, built.discard);
        });
        let sql = |clauses: Vec<String>| {
            let each = clauses.into_iter().flat_map(|clause| alter_table(old, vec![clause]));
            Action::catalog(each.collect())
        };
        let (drop_old, drop_new) = (vec![drop_clause(old)], vec![drop_clause(&new)]);
        if new == *old {
            let (run, undo) = ([drop_old, built.adopt].concat(), [drop_new, back.adopt].concat());
            let summary = format!("replace {}", with_relation(old));
            self.push(unit, Verb::Alter, summary, sql(run), sql(undo));
        } else {
            // one transaction
            let summary = format!("drop {}", with_relation(old));
            self.push(unit, Verb::Drop, summary, sql(drop_old), sql(back.adopt));
            let summary = format!("add {}", with_relation(&new));
            self.push_about(&new, unit, Verb::Create, summary, sql(built.adopt), sql(drop_new));
        }
        self.preparing(self.catalogs.before, old, |this| {
            this.push_back(unit, Verb::Drop, &spare, &rebuild, back.build, With::Previous);
        });
        self.done.insert(new);
        true
    }

    /// The key that comes for this one: of the same name, or the table's next primary key. Only if all that it needs is
    /// there before and stays as it is.
    fn successor(&self, old: &ObjectId, key: &Constraint) -> Option<(ObjectId, &Constraint)> {
        let primary = |constraint: &Constraint| constraint.contype == ConstraintType::PrimaryKey;
        let table = old.relation();
        let first =
            ObjectId { kind: Kind::Constraint, path: Path::from([old.path.part(0), old.path.part(1)]) };
        let beside = self.changes.range(first..).take_while(|(id, _)| id.relation() == table);
        let mut found = beside.filter_map(|(id, change)| match &change.object.after {
            Some(Object::Constraint(next)) if next.has_index() => Some((id, change, next)),
            _ => None,
        });
        let (id, _, next) = found.find(|(id, change, next)| {
            let comes = graph::acts(change).contains(&Act::Create);
            comes && (*id == old || primary(key) && primary(next))
        })?;
        // a foreign key that is still to go would hold on to the next key on the way back
        let held = self.changes.values().any(|change| {
            let refers = matches!(&change.object.before, Some(Object::Constraint(other)) if other.references.as_deref() == Some(&old.path.parts()[..2]));
            refers && self.state.is_as_before(&change.id) && graph::acts(change).contains(&Act::Drop)
        });
        let name = ("relation", format!("{}\0{}", id.path.part(0), id.path.last()));
        let taken = self.changes.values().any(|change| {
            let takes =
                change.object.before.as_ref().is_some_and(|it| graph::names(&change.id, it).contains(&name));
            takes && change.id != *old && self.state.is_as_before(&change.id)
        });
        let ready = !held && !taken && table.is_some_and(|table| self.has_what_it_needs(id, &table));
        (ready && !is_attached(self.catalogs.after, id.path.part(0), id.path.last()))
            .then(|| (id.clone(), next))
    }
}
