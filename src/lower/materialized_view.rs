//! Materialized views that are replaced.
//!
//! The replacement is built with its indexes under another name, while everybody reads the old one; then the two are
//! swapped in one transaction. Where the query needs what only that transaction makes (a column that gets another type, a
//! view that is replaced itself), the materialized view comes without rows and is refreshed afterwards: until then it
//! reads as an error, which GAP says. A rollback chooses between the two by itself.

use std::collections::BTreeSet;

use super::{
    Context, Lowering,
    draft::Undo,
    index::{rename, replacement},
    temporary_name, with_relation,
};
use crate::{
    catalog::Catalog,
    diff::{Change, How},
    graph::{self, Act, Unit},
    kind::{Definition, Index, MaterializedView, Object},
    name::{Kind, ObjectId, Pair},
    sql::Sql,
    step::{Action, Verb, With},
};

/// A materialized view under the name that it has until it takes its place.
struct Replacement {
    id: ObjectId,
    build: Action,
    discard: Action,
    /// Gives it its name.
    rename: Vec<Sql>,
    /// Gives its indexes their names.
    indexes: Vec<Sql>,
}

impl Lowering<'_> {
    /// Drops a materialized view whose name another relation gets.
    pub(super) fn drop_replaced_view(&mut self, unit: &Unit, view: &MaterializedView) -> bool {
        let (before, id) = (self.catalogs.before, &unit.root);
        let namesakes = [Kind::MaterializedView, Kind::View, Kind::Table].into_iter();
        let mut namesakes =
            namesakes.filter_map(|kind| self.changes.get(&ObjectId { kind, path: id.path.clone() }));
        if !namesakes.any(|change| graph::acts(change).contains(&Act::Create)) {
            return false;
        }
        let indexes: BTreeSet<&ObjectId> = indexes(before, id).map(|(index, _)| index).collect();
        let old = self.replacement_of(before, id, view, "old").filter(|_| self.can_build(before, id));
        let left = |member: &&ObjectId| old.is_none() || *member != id && !indexes.contains(*member);
        let left = before.only(&unit.members.iter().filter(left).cloned().collect());
        let offline = Context { alone: true, rowless: true, ..self.context.clone() };
        let Ok(left) = self.creation_within(&left, &offline) else { return false };
        let what = with_relation(id);
        let verb = if self.comes_back(unit) { Verb::Replace } else { Verb::Drop };
        let (run, summary) = (Action::catalog(view.drop(id).into_statements()), format!("drop {what}"));
        if let Some(old) = old {
            let undo = Action::swap([old.rename, old.indexes, left].concat());
            self.push(unit, verb, summary, run, undo);
            let build = format!("build what was {what}");
            self.preparing(before, id, |this| {
                this.push_back(unit, Verb::Create, &old.id, &build, old.build, With::Previous);
            });
        } else {
            self.push_back(
                unit,
                Verb::Fill,
                id,
                &format!("fill {what}"),
                Action::refresh(id.clone()),
                With::Next,
            );
            self.needs_nothing();
            self.push(unit, verb, summary, run, Action::catalog(left));
        }
        true
    }

    /// Creates a materialized view whose name another relation has until then.
    pub(super) fn create_replaced_view(&mut self, unit: &Unit, view: &MaterializedView) -> bool {
        let (after, id) = (self.catalogs.after, &unit.root);
        if !self.is_freed(id.path.part(0), id.path.last()) {
            return false;
        }
        let (what, undo) = (with_relation(id), Action::catalog(view.drop(id).into_statements()));
        let verb = if self.comes_back(unit) { Verb::Replace } else { Verb::Create };
        let new = self.replacement_of(after, id, view, "new").filter(|_| self.can_build(after, id));
        if let Some(new) = new {
            let summary = format!("build the next {what}");
            self.preparing(after, id, |this| {
                this.push_about(&new.id, unit, Verb::Create, summary, new.build, new.discard);
            });
            self.prebuilt_views.insert(id.clone());
            self.push(unit, verb, format!("swap {what}"), Action::swap(new.rename), undo);
        } else {
            let mut create = view.create(id).into_statements();
            without_rows(&mut create);
            create.extend(self.take_back(id));
            let summary = format!("create {what} without rows");
            self.push(unit, verb, summary, Action::catalog(create), undo);
            self.push(unit, Verb::Fill, format!("fill {what}"), Action::refresh(id.clone()), Undo::Nothing);
            self.needs_nothing();
        }
        true
    }

    /// An index of a replacement that was built with it gets its name.
    pub(super) fn adopt_index_of_view(&mut self, unit: &Unit, index: &Index) -> bool {
        if !self.prebuilt_views.contains(&index.relation()) {
            return false;
        }
        let spare = replacement(&unit.root, "new");
        let swap = [rename(&spare, &unit.root)].into_iter().chain(index.settings(&unit.root)).collect();
        let was = self.catalogs.before.objects.get(&unit.root);
        let was_its = matches!(was, Some(Object::Index(old)) if old.relation() == index.relation());
        // it goes with its view; but another relation that comes back under its name may do so before
        let undo = if !was_its && self.is_freed(unit.root.path.part(0), unit.root.path.last()) {
            Action::swap(vec![rename(&unit.root, &spare)]).into()
        } else {
            Undo::Nothing
        };
        let summary = format!("swap {}", with_relation(&unit.root));
        self.push(unit, Verb::Replace, summary, Action::swap(swap), undo);
        true
    }

    /// Whether what the query needs is there before the swap, or after it is taken back: it changes only by coming or going.
    fn can_build(&self, catalog: &Catalog, view: &ObjectId) -> bool {
        let columns = catalog.needs_of(view).map(|need| &need.to).filter(|to| to.kind == Kind::Column);
        let of_columns = columns.flat_map(|column| catalog.needs_of(column));
        catalog.needs_of(view).chain(of_columns).map(|need| &need.to).all(|to| {
            let Some(change) = self.changes.get(to) else { return true };
            match &change.how {
                How::Create | How::Drop => true,
                How::InPlace(_) => to.kind == Kind::Table || change.keeps_values(),
                How::Implied(..) => is_one_sided(change),
                How::Replace | How::Rebuild => false,
            }
        })
    }

    /// None where an index cannot be said of another relation.
    fn replacement_of(
        &self,
        catalog: &Catalog,
        view: &ObjectId,
        definition: &MaterializedView,
        what: &str,
    ) -> Option<Replacement> {
        let id = ObjectId::new(Kind::MaterializedView, [view.path.part(0), &temporary_name(what, view)]);
        let mut build = definition.create(&id).into_statements();
        // nobody may read it before those may who may read the view itself
        build.extend(self.revoke_given(view, &id));
        let mut names = Vec::new();
        for (index, definition) in indexes(catalog, view) {
            let spare = replacement(index, what);
            let on = definition.on_relation(&id.sql());
            let index_build = Action::build_index(spare.clone(), id.clone(), definition.unique, on);
            build.extend(index_build.operation.plain_statement());
            names.push(rename(&spare, index));
            names.extend(definition.settings(index));
        }
        let discard = Sql::new(format!("DROP MATERIALIZED VIEW IF EXISTS {}", id.sql()));
        let rename = definition.rename(Pair::new(&id, view))?.into_statements();
        Some(Replacement {
            id,
            build: Action::bulk(build),
            discard: Action::catalog(vec![discard]),
            rename,
            indexes: names,
        })
    }
}

/// Has a materialized view created without rows.
pub(super) fn without_rows(create: &mut [Sql]) {
    if let Some(first) = create.first_mut() {
        *first = Sql::new(format!("{first}\nWITH NO DATA"));
    }
}

fn is_one_sided(change: &Change) -> bool {
    let Pair { before, after } = &change.object;
    before.is_none() || after.is_none()
}

fn indexes<'c>(catalog: &'c Catalog, view: &ObjectId) -> impl Iterator<Item = (&'c ObjectId, &'c Index)> {
    catalog.of_kind(Kind::Index).filter_map(|(id, object)| match object {
        Object::Index(index) if index.on_materialized_view && index.relation() == *view => Some((id, index)),
        _ => None,
    })
}
