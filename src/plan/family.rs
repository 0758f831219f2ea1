//! Tables that belong together: a partitioned table and its partitions, a table and those that inherit from it. They come and go
//! by themselves, a partition every day, while plans wait.
//!
//! What a plan does to each table that stores rows (it fills them, it builds an index on each) leaves a table out that comes to
//! the family later: such a plan is stale. A plan that only changes the whole is not, since PostgreSQL hands that down. A
//! partition that is gone leaves nothing to do.

use std::collections::{BTreeMap, BTreeSet};

use super::{Plan, PlannedStep, commute::relation_of, staleness::Point};
use crate::{
    catalog::Catalog,
    kind::Object,
    name::{Kind, ObjectId, Path},
    step::{Direction, Operation, Phase},
};

/// Who is above and below whom in a database.
#[derive(Debug, Default)]
pub(super) struct Families {
    parents: BTreeMap<Path, BTreeSet<Path>>,
    children: BTreeMap<Path, BTreeSet<Path>>,
}

impl Families {
    pub fn of(catalog: &Catalog) -> Self {
        let mut families = Self::default();
        for (parent, children) in catalog.children() {
            for child in children {
                let parent: Path = parent.to_vec().into();
                families.parents.entry(child.path.clone()).or_default().insert(parent.clone());
                families.children.entry(parent).or_default().insert(child.path);
            }
        }
        families
    }

    /// Those that it is a partition of, or inherits from, directly or not.
    pub fn above(&self, table: &Path) -> BTreeSet<Path> {
        walk(&self.parents, table)
    }

    /// Its partitions, and those that inherit from it, directly or not.
    pub fn below(&self, table: &Path) -> BTreeSet<Path> {
        walk(&self.children, table)
    }
}

fn walk(edges: &BTreeMap<Path, BTreeSet<Path>>, from: &Path) -> BTreeSet<Path> {
    let mut found = BTreeSet::new();
    let mut next = vec![from];
    while let Some(at) = next.pop() {
        next.extend(edges.get(at).into_iter().flatten().filter(|it| found.insert((*it).clone())));
    }
    found
}

/// What makes an object one of a family: its attachment, or, of a table that inherits, the table.
pub(super) fn membership(catalog: &Catalog, table: &Path) -> Option<ObjectId> {
    let of = |kind| ObjectId { kind, path: table.clone() };
    [Kind::Attachment, Kind::Table].into_iter().map(of).find(|id| catalog.objects.contains_key(id))
}

/// What a plan does to each table of a family by itself.
#[derive(Debug, Default)]
pub(super) struct EachTable {
    /// By the table that is above them: the phases that do something, and those whose undo fills rows.
    by_whole: BTreeMap<Path, Each>,
}

#[derive(Debug, Default)]
struct Each {
    fills: BTreeSet<Phase>,
    others: BTreeSet<Phase>,
    fills_back: BTreeSet<Phase>,
}

impl EachTable {
    /// Of a plan that changes these relations.
    pub fn of(plan: &Plan, families: &Families, changed: &BTreeSet<Path>) -> Self {
        let mut each = Self::default();
        let tables = Tables::of(plan);
        // an index of the whole is seen by those of the partitions that become part of it
        let attached = plan.steps.iter().filter(|step| step.object.kind == Kind::IndexAttachment);
        let attached = attached.filter_map(|step| tables.table(step));
        let indexed: BTreeSet<Path> = attached.flat_map(|table| families.above(&table)).collect();
        for step in &plan.steps {
            let Some(table) = tables.table(step) else { continue };
            let above = families.above(&table);
            let fills = |operation: &Operation| matches!(operation, Operation::Backfill(_));
            let by_itself = fills(&step.operation) || fills(&step.undo.operation);
            let wholes = above.iter().filter(|whole| changed.contains(*whole) || indexed.contains(*whole));
            let wholes = wholes.chain(Some(&table).filter(|_| by_itself));
            for whole in wholes {
                let each = each.by_whole.entry(whole.clone()).or_default();
                match (fills(&step.operation), step.sql.is_empty()) {
                    (true, _) => _ = each.fills.insert(step.phase),
                    (false, false) => _ = each.others.insert(step.phase),
                    (false, true) => {}
                }
                if fills(&step.undo.operation) {
                    each.fills_back.insert(step.phase);
                }
            }
        }
        each
    }

    /// The tables of whose families that is.
    pub fn wholes(&self) -> impl Iterator<Item = &Path> {
        self.by_whole.keys()
    }

    /// Whether a table that has come to the family is left out by what the plan does from here on.
    pub fn leaves_out(
        &self,
        member: &ObjectId,
        families: &Families,
        point: Point,
        direction: Direction,
    ) -> bool {
        let wholes = families.above(&member.path);
        let mut each = wholes.iter().filter_map(|whole| self.by_whole.get(whole));
        match (direction, point) {
            (Direction::Rollback, Point::Base | Point::Undone) => false,
            (Direction::Rollback, Point::After(last) | Point::Within(last)) => {
                each.any(|each| each.fills_back.range(..=last).next().is_some())
            }
            (Direction::Apply, Point::Base | Point::Undone) => {
                each.any(|each| !each.fills.is_empty() || !each.others.is_empty())
            }
            (Direction::Apply, Point::Within(phase)) => each
                .any(|each| [&each.fills, &each.others].iter().any(|of| of.range(phase..).next().is_some())),
            // a partition has come with what the whole has by now: the column, its trigger, its checks
            (Direction::Apply, Point::After(done)) => each.any(|each| {
                let later = |phases: &BTreeSet<Phase>| phases.iter().any(|phase| *phase > done);
                let has_own_rows = member.kind != Kind::Attachment && !each.fills.is_empty();
                later(&each.others) || has_own_rows && (later(&each.fills) || done < Phase::Contract)
            }),
        }
    }
}

/// The tables that the steps of a plan are about, as parts of a family.
struct Tables<'a> {
    /// An index does not say of which table it is: the step says that builds it.
    built: BTreeMap<&'a Path, &'a Path>,
}

impl<'a> Tables<'a> {
    fn of(plan: &'a Plan) -> Self {
        let operations = plan.steps.iter().flat_map(|step| [&step.operation, &step.undo.operation]);
        let built = operations.filter_map(|operation| match operation {
            Operation::BuildIndex { index, table, .. } => Some((&index.path, &table.path)),
            _ => None,
        });
        Self { built: built.collect() }
    }

    fn table(&self, step: &PlannedStep) -> Option<Path> {
        let object = step.object.target().unwrap_or_else(|| step.object.clone());
        relation_of(&object).or_else(|| self.built.get(&object.path).map(|table| (*table).clone()))
    }
}

/// The partitions of which a plan changes parts, and that are gone.
fn gone(plan: &Plan, live: &Catalog) -> BTreeSet<Path> {
    let is_there =
        |path: &Path| live.objects.contains_key(&ObjectId { kind: Kind::Table, path: path.clone() });
    // one that the plan itself makes, takes or attaches
    let is_own = |path: &Path| {
        let own = |step: &PlannedStep| {
            matches!(step.object.kind, Kind::Table | Kind::Attachment) && step.object.path == *path
        };
        plan.steps.iter().any(own)
    };
    let partitions =
        plan.footprint.iter().filter(|entry| entry.object.kind == Kind::Attachment && entry.base.is_some());
    let paths = partitions.map(|entry| &entry.object.path);
    paths.filter(|path| !is_there(path) && !is_own(path)).cloned().collect()
}

/// The steps that are about parts of these tables.
fn steps_of<'a>(plan: &'a Plan, tables: &BTreeSet<Path>) -> impl Iterator<Item = &'a PlannedStep> {
    let of_steps = Tables::of(plan);
    plan.steps.iter().filter(move |step| of_steps.table(step).is_some_and(|table| tables.contains(&table)))
}

/// The steps that have nothing to do any more, since the partition that they are about is gone.
pub fn moot(plan: &Plan, live: &Catalog) -> BTreeSet<u32> {
    steps_of(plan, &gone(plan, live)).map(|step| step.id).collect()
}

/// The objects of partitions that are gone: the tables, what is of them, and the indexes that the plan builds on them.
pub(super) fn went_along(plan: &Plan, live: &Catalog) -> BTreeSet<ObjectId> {
    let gone = gone(plan, live);
    let of_steps = steps_of(plan, &gone).map(|step| step.object.clone());
    let is_part = |object: &ObjectId| {
        let object = object.target().unwrap_or_else(|| object.clone());
        relation_of(&object)
            .or_else(|| (object.kind == Kind::Attachment).then(|| object.path.clone()))
            .is_some_and(|table| gone.contains(&table))
    };
    let parts = plan.footprint.iter().map(|entry| &entry.object).filter(|object| is_part(object)).cloned();
    of_steps.chain(parts).collect()
}

/// The table that an object is of in a database, also that of an index and of its attachment.
pub(super) fn table_in(catalog: &Catalog, object: &ObjectId) -> Option<Path> {
    let object = object.target().unwrap_or_else(|| object.clone());
    match object.kind {
        Kind::Attachment => Some(object.path.clone()),
        Kind::Index | Kind::IndexAttachment => {
            let index = ObjectId { kind: Kind::Index, path: object.path.clone() };
            let own = catalog.needs_of(&index).find_map(|need| relation_of(&need.to));
            // the index of a key is the key's
            own.or_else(|| {
                let mut needs = catalog.needs_of(&object).map(|need| &need.to);
                needs
                    .find(|to| to.kind == Kind::Constraint && to.path.last() == object.path.last())
                    .and_then(relation_of)
            })
        }
        _ => relation_of(&object),
    }
}

/// Whether an object is a table that inherits from others.
pub(super) fn inherits(catalog: &Catalog, id: &ObjectId) -> bool {
    matches!(catalog.objects.get(id), Some(Object::Table(table)) if !table.inherits.is_empty())
}
