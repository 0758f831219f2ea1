//! Which differences leave a plan what it is: what others have changed of a table beside what the plan changes.
//!
//! Two pull requests change one table: one adds a column, the other one an index. Whichever is applied first, the steps of
//! the other one do the same as they were rehearsed to, and the end is the same. So a difference makes a plan stale only
//! where the two get in each other's way: the plan changes the object, or needs it, or the object needs what the plan takes
//! away or makes something else; the plan writes rows, and the object decides what happens to rows; or the plan is about
//! the table as a whole. What is not known to leave the plan alone makes it stale.

use std::collections::{BTreeMap, BTreeSet};

use super::{FootprintEntry, Plan, family::Families, staleness::How};
use crate::{
    catalog::Catalog,
    name::{Kind, ObjectId, Path},
    step::{Operation, Verb},
};

/// What a plan does to the tables that it is about.
pub(super) struct Around<'a> {
    live: &'a Catalog,
    touched: &'a BTreeSet<ObjectId>,
    recorded: BTreeMap<&'a ObjectId, &'a FootprintEntry>,
    /// What the plan takes away, brings or makes something else.
    hard: BTreeSet<&'a ObjectId>,
    /// What needs something of that.
    depends: BTreeSet<&'a ObjectId>,
    /// Tables that are created, dropped, renamed, attached or detached.
    restructured: BTreeSet<Path>,
    /// What changes of who sees which rows: of tables their policies, or whether these hold.
    guards: BTreeSet<(Kind, Path)>,
    /// Tables whose rows are written, and those above them.
    filled: BTreeSet<Path>,
}

impl<'a> Around<'a> {
    /// Of a plan, in a database.
    pub fn of(
        plan: &'a Plan,
        touched: &'a BTreeSet<ObjectId>,
        live: &'a Catalog,
        families: &Families,
    ) -> Self {
        let (mut restructured, mut filled) = (BTreeSet::new(), BTreeSet::new());
        for step in &plan.steps {
            let relation = relation_of(&step.object);
            if step.object.kind == Kind::Table && !is_soft(step.action) {
                restructured.extend(relation.clone());
            }
            for operation in [&step.operation, &step.undo.operation] {
                match operation {
                    Operation::Attach { parents } => {
                        restructured.extend(parents.iter().map(|parent| parent.path.clone()));
                        restructured.extend(relation.clone());
                    }
                    Operation::Detach { parent, partition } => {
                        restructured.extend([parent.path.clone(), partition.path.clone()]);
                    }
                    Operation::Backfill(_) => filled.extend(relation.clone()),
                    _ => {}
                }
            }
            if matches!(step.object.kind, Kind::Attachment | Kind::IndexAttachment) {
                restructured.extend(relation);
            }
        }
        // a trigger of the whole is one of each partition
        let above: Vec<Path> = filled.iter().flat_map(|table| families.above(table)).collect();
        filled.extend(above);
        let hard: BTreeSet<&ObjectId> = touched
            .iter()
            .filter(|object| is_hard(object, plan.steps.iter().map(|it| (&it.object, it.action))))
            .collect();
        Self {
            live,
            touched,
            recorded: plan.footprint.iter().map(|entry| (&entry.object, entry)).collect(),
            depends: dependents(live, hard.iter().copied()),
            hard,
            restructured,
            guards: touched
                .iter()
                .filter(|object| matches!(object.kind, Kind::Policy | Kind::Table))
                .filter_map(|object| Some((object.kind, relation_of(object)?)))
                .collect(),
            filled,
        }
    }

    /// Whether the plan does the same, and its end is the same but for this object, though that is not what it was.
    pub fn leaves_alone(&self, object: &ObjectId, how: How) -> bool {
        let is_table = object.kind == Kind::Table;
        // a view reads what is there, and is in nobody's way who does not change that
        let is_view = how == How::Added && matches!(object.kind, Kind::View | Kind::MaterializedView);
        let may = is_table || is_view || is_part(object);
        if !may || self.touched.contains(object) || self.depends.contains(object) {
            return false;
        }
        let known = match self.recorded.get(object) {
            // what a plan needs of a table is that it is there
            Some(_) if is_table => how == How::Changed,
            Some(entry) => entry.independent,
            None => !is_table,
        };
        let Some(relation) = self.relation(object) else {
            // an index that is gone does not say of which table it was
            return known && object.kind == Kind::Index && self.restructured.is_empty();
        };
        let decides = matches!(
            object.target().as_ref().unwrap_or(object).kind,
            Kind::Table | Kind::Trigger | Kind::Rule | Kind::Policy | Kind::Constraint
        );
        // a policy that goes is nothing by itself, and everything where the other plan has policies hold
        let other = match object.kind {
            Kind::Policy => Some(Kind::Table),
            Kind::Table => Some(Kind::Policy),
            _ => None,
        };
        let guards = other.is_some_and(|kind| self.guards.contains(&(kind, relation.clone())));
        let is_in_the_way =
            guards || self.restructured.contains(&relation) || decides && self.filled.contains(&relation);
        known && !is_in_the_way
    }

    /// Whether the plan has it in its footprint.
    pub fn knows(&self, object: &ObjectId) -> bool {
        self.recorded.contains_key(object)
    }

    /// Whether the plan makes an object something else to what needs it.
    pub fn is_hard(&self, object: &ObjectId) -> bool {
        self.hard.contains(object)
    }

    /// The relation that it belongs to.
    fn relation(&self, object: &ObjectId) -> Option<Path> {
        let object = object.target().unwrap_or_else(|| object.clone());
        relation_of(&object).or_else(|| {
            let mut needs = self.live.needs_of(&object).map(|need| &need.to);
            needs.find_map(relation_of)
        })
    }
}

/// What is of a table, and may be changed beside other parts of it.
fn is_part(object: &ObjectId) -> bool {
    let target = object.target();
    matches!(
        target.as_ref().unwrap_or(object).kind,
        Kind::Column
            | Kind::Default
            | Kind::Constraint
            | Kind::Index
            | Kind::Trigger
            | Kind::Policy
            | Kind::Rule
            | Kind::Statistics
    ) || matches!(object.kind, Kind::Comment | Kind::Privileges)
        && target.is_some_and(|it| it.kind == Kind::Table)
}

/// The relation that an object is, or is part of.
pub(super) fn relation_of(object: &ObjectId) -> Option<Path> {
    match object.kind {
        Kind::Table | Kind::View | Kind::MaterializedView => Some(object.path.clone()),
        _ => object.relation().map(|relation| relation.path),
    }
}

/// Whether a table stays the same table: its settings change, or nothing of it.
fn is_soft(verb: Verb) -> bool {
    matches!(verb, Verb::Alter | Verb::Validate)
}

/// Whether what depends on an object that steps change is in their way: not where it is a table of which settings change.
pub(crate) fn is_hard<'s>(object: &ObjectId, mut steps: impl Iterator<Item = (&'s ObjectId, Verb)>) -> bool {
    object.kind != Kind::Table || steps.any(|(of, verb)| of == object && !is_soft(verb))
}

/// What needs these objects, directly or not.
pub(crate) fn dependents<'c>(
    catalog: &'c Catalog,
    objects: impl Iterator<Item = &'c ObjectId>,
) -> BTreeSet<&'c ObjectId> {
    let mut needed_by: BTreeMap<&ObjectId, Vec<&ObjectId>> = BTreeMap::new();
    for edge in &catalog.needs {
        needed_by.entry(&edge.to).or_default().push(&edge.from);
    }
    let mut found = BTreeSet::new();
    let mut next: Vec<&ObjectId> = objects.collect();
    while let Some(object) = next.pop() {
        if found.insert(object) {
            next.extend(needed_by.get(object).into_iter().flatten());
        }
    }
    found
}
