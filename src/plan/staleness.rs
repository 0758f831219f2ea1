//! Whether a plan still fits a database.
//!
//! A plan recorded what it touches and depends on: its footprint. [`compare`] holds that against a live catalog at
//! one point of the plan's course and names every object that is not as recorded. The footprint is a set, too:
//! what [`footprint_closure`] finds around the touched objects now and the plan does not know was added since
//! (a view, an index, a partition), and makes the plan as stale as a change does. Changes elsewhere do not matter, nor do
//! those of the same table that leave the plan alone (`commute`).

use std::collections::BTreeSet;

use similar::TextDiff;

use super::{
    FootprintEntry, Plan,
    commute::{Around, dependents, relation_of},
    family::{self, EachTable, Families, membership},
};
use crate::{
    catalog::{Catalog, Fingerprint},
    name::{Kind, ObjectId, Path},
    sql::Sql,
    step::{Direction, Phase},
};

/// A point in a plan's course.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    /// Before anything ran.
    Base,
    /// Everything that ran was undone.
    Undone,
    /// All of this phase, and of those before it, has run.
    After(Phase),
    /// Some of this phase has run. Objects that it changes are then neither what they were nor what they will be,
    /// and only the others are compared.
    Within(Phase),
}

impl Point {
    /// Where undoing a phase ends, in a plan that has these phases.
    pub fn before(phase: Phase, phases: &[Phase]) -> Self {
        phases
            .iter()
            .rev()
            .find(|earlier| **earlier < phase)
            .map_or(Point::Undone, |earlier| Point::After(*earlier))
    }

    fn complete(self) -> Option<Phase> {
        match self {
            Point::Base | Point::Undone => None,
            Point::After(phase) | Point::Within(phase) => Some(phase),
        }
    }
}

/// How an object differs from what the plan recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum How {
    /// It is something else.
    Changed,
    /// It should be there and is not.
    Missing,
    /// It should not be there and is.
    Present,
    /// The plan does not know it, and it belongs to what the plan touches.
    Added,
    /// It is not what the SQL makes that the plan was made from.
    Otherwise,
}

impl How {
    /// How what is there differs from what a plan has recorded; none where it does not.
    pub fn of(recorded: Option<&Fingerprint>, there: Option<&Fingerprint>) -> Option<Self> {
        match (recorded, there) {
            (Some(recorded), Some(there)) => (recorded != there).then_some(Self::Changed),
            (Some(_), None) => Some(Self::Missing),
            (None, Some(_)) => Some(Self::Present),
            (None, None) => None,
        }
    }

    /// In words.
    pub fn label(self) -> &'static str {
        match self {
            How::Changed => "changed",
            How::Missing => "is missing",
            How::Present => "exists already",
            How::Added => "was added since",
            How::Otherwise => "is not what the SQL makes that the plan was made from",
        }
    }
}

/// One object that is not as the plan recorded it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Which object.
    pub object: ObjectId,
    /// How it differs.
    pub how: How,
    /// What it should be; None: not there.
    pub expected: Option<Fingerprint>,
    /// What it is; None: not there.
    pub actual: Option<Fingerprint>,
    /// From the recorded DDL to today's, as a unified diff without file names. When the plan has changed the object
    /// meanwhile, the recorded side is what it was at base.
    pub diff: String,
}

/// The objects that are not as the plan recorded them for this point, in the order of a dump.
pub fn compare(plan: &Plan, live: &Catalog, point: Point) -> Vec<Difference> {
    compare_for(plan, live, point, Direction::Apply)
}

/// The same for who goes on in this direction: tables that have come to a family may be in the way of one of them only.
pub fn compare_for(plan: &Plan, live: &Catalog, point: Point, direction: Direction) -> Vec<Difference> {
    let mut differences = Vec::new();
    let touched = touched(plan);
    let families = Families::of(live);
    let around = Around::of(plan, &touched, live, &families);
    let touched_relations = relations_of(&touched);
    let each = EachTable::of(plan, &families, &touched_relations);
    let went = family::went_along(plan, live);
    let moving = match point {
        Point::Within(phase) => Some(phase),
        Point::Base | Point::Undone | Point::After(_) => None,
    };
    // what comes back as it was, and what went with it, is away in between
    let stepped: BTreeSet<&ObjectId> =
        plan.steps.iter().filter(|step| moving == Some(step.phase)).map(|step| &step.object).collect();
    for entry in &plan.footprint {
        if moving.is_some_and(|phase| entry.after.contains_key(&phase)) || is_part_of(&entry.object, &stepped)
        {
            continue;
        }
        let (expected, actual) = match point {
            Point::Base => (entry.base.as_ref(), live.fingerprint(&entry.object)),
            _ => (entry.expected(point.complete()), entry.actual(live)),
        };
        let Some(how) = How::of(expected, actual.as_ref()) else { continue };
        if around.leaves_alone(&entry.object, how) || how == How::Missing && went.contains(&entry.object) {
            continue;
        }
        differences.push(Difference {
            object: entry.object.clone(),
            how,
            expected: expected.cloned(),
            diff: diff(&entry.ddl, live, &entry.object),
            actual,
        });
    }
    let recorded = plan.footprint.iter().map(|entry| &entry.object);
    let known: BTreeSet<&ObjectId> = recorded
        .chain(plan.steps.iter().map(|step| &step.object))
        .chain(plan.transient.iter().filter(|_| moving.is_some()))
        .collect();
    let counts = |object: &ObjectId| plan.owners || object.kind != Kind::Owner;
    let mut closure = closure_in(live, &touched, &families);
    let below = each.wholes().flat_map(|whole| families.below(whole));
    closure.extend(below.filter_map(|table| membership(live, &table)));
    let is_member = |object: &ObjectId| {
        !touched_relations.contains(&object.path)
            && (object.kind == Kind::Attachment || family::inherits(live, object))
    };
    let new: BTreeSet<Path> = closure
        .iter()
        .filter(|object| !known.contains(object) && is_member(object))
        .map(|object| object.path.clone())
        .collect();
    for object in closure {
        let is_new = !known.contains(&object) && counts(&object);
        let is_in_the_way = if is_member(&object) {
            each.leaves_out(&object, &families, point, direction)
        } else {
            // what is of a table that has come to a family goes with that
            !family::table_in(live, &object).is_some_and(|table| new.contains(&table))
                && !around.leaves_alone(&object, How::Added)
        };
        if is_new && is_in_the_way {
            differences.push(Difference {
                how: How::Added,
                expected: None,
                actual: live.fingerprint(&object),
                diff: diff(&[], live, &object),
                object,
            });
        }
    }
    if let Some(stand_in) = plan.from.as_ref().filter(|_| point == Point::Base) {
        differences.extend(stand_in.differences(live, plan.owners));
    }
    differences.sort_by(|a, b| a.object.cmp(&b.object));
    differences
}

/// Whether a plan would start from a database that differs from live, as the plan has recorded it, in these objects.
pub fn starts_beside(plan: &Plan, live: &Catalog, differences: &[(ObjectId, How)]) -> bool {
    let (touched, families) = (touched(plan), Families::of(live));
    let around = Around::of(plan, &touched, live, &families);
    let relations = relations_of(&touched);
    differences.iter().all(|(object, how)| {
        // what comes to a table that the plan leaves alone is none of its business
        let apart = *how == How::Added && relation_of(object).is_none_or(|path| !relations.contains(&path));
        apart || around.leaves_alone(object, *how)
    })
}

/// Whether an object is one of these, or about one, or belongs to a relation among them.
fn is_part_of(object: &ObjectId, of: &BTreeSet<&ObjectId>) -> bool {
    of.contains(object)
        || [object.target(), object.relation()]
            .into_iter()
            .flatten()
            .any(|whole| whole != *object && is_part_of(&whole, of))
}

/// What the plan changes: its steps' objects, and the entries of its footprint that a phase makes something else.
pub fn touched(plan: &Plan) -> BTreeSet<ObjectId> {
    let changed = |entry: &&FootprintEntry| !entry.after.is_empty();
    plan.footprint
        .iter()
        .filter(changed)
        .map(|entry| entry.object.clone())
        .chain(plan.steps.iter().map(|step| step.object.clone()))
        .collect()
}

/// The objects around those that are touched, in one catalog: themselves, what they need directly, all that needs
/// them directly or not, and the other parts of the same relation (its columns, constraints, triggers, policies,
/// indexes). A planner takes the union over the catalogs before and after; only what exists is in it.
pub fn footprint_closure(catalog: &Catalog, touched: &BTreeSet<ObjectId>) -> BTreeSet<ObjectId> {
    closure_in(catalog, touched, &Families::of(catalog))
}

fn closure_in(catalog: &Catalog, touched: &BTreeSet<ObjectId>, families: &Families) -> BTreeSet<ObjectId> {
    let mut closure = dependents(catalog, touched.iter());
    closure.extend(touched.iter().flat_map(|object| catalog.needs_of(object)).map(|need| &need.to));

    let relations = relations_of(touched);
    let of_touched_relation =
        |object: &ObjectId| relation_of(object).is_some_and(|path| relations.contains(&path));
    for object in catalog.objects.keys() {
        let on_relation =
            object.kind == Kind::Index && catalog.needs_of(object).any(|need| of_touched_relation(&need.to));
        if on_relation || of_touched_relation(object) {
            closure.insert(object);
        }
    }
    let indexed = touched.iter().filter(|object| object.kind == Kind::Index);
    let indexed = indexed.filter_map(|index| family::table_in(catalog, index));
    let below = relations.iter().cloned().chain(indexed).flat_map(|relation| families.below(&relation));
    let members: Vec<ObjectId> = below.filter_map(|table| membership(catalog, &table)).collect();
    closure.extend(&members);
    closure.into_iter().filter(|object| catalog.objects.contains_key(object)).cloned().collect()
}

fn relations_of(touched: &BTreeSet<ObjectId>) -> BTreeSet<Path> {
    touched.iter().filter_map(relation_of).collect()
}

fn diff(recorded: &[Sql], live: &Catalog, object: &ObjectId) -> String {
    diff_of(&text(recorded), &ddl_of(live, object))
}

/// The DDL of an object, if it is there.
pub fn ddl_of(catalog: &Catalog, object: &ObjectId) -> String {
    catalog.objects.get(object).map(|found| text(&found.ddl(object))).unwrap_or_default()
}

/// A unified diff without file names.
pub fn diff_of(before: &str, after: &str) -> String {
    TextDiff::from_lines(before, after).unified_diff().context_radius(2).to_string()
}

fn text(ddl: &[Sql]) -> String {
    ddl.iter().flat_map(|sql| [sql.as_str(), ";\n"]).collect()
}
