//! Whether a plan gets in the way of another one that is between its phases, or stopped.
//!
//! Staleness asks whether a plan still fits the database. This asks, before it runs, whether the others still would: what it
//! makes, takes away or changes is held against what they have made, still change and need. It is answered from what the plans
//! say, since no catalog has yet what is to be.

use std::collections::BTreeSet;

use super::{
    Change, FootprintEntry, Plan,
    commute::{Around, relation_of},
    family::Families,
    staleness::{How, touched},
};
use crate::{
    catalog::Catalog,
    name::{Kind, ObjectId, Path},
    step::{Direction, Phase},
};

/// A plan that is not at its end, and how far it is.
#[derive(Debug, Clone, Copy)]
pub struct Open<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// The last phase that is done; None: it stopped in its first.
    pub done: Option<Phase>,
}

/// What `own` does in these phases, in this direction, that the other plan does not go on with: the objects, each with why.
pub fn with(
    own: &Plan,
    phases: &[Phase],
    direction: Direction,
    other: &Open<'_>,
    live: &Catalog,
) -> Vec<String> {
    let others = touched(other.plan);
    let (families, relations) = (Families::of(live), others.iter().filter_map(relation_of).collect());
    let around = Around::of(other.plan, &others, live, &families);
    let sight = Sight { others: &others, relations, around };
    let changed = own.footprint.iter().filter_map(|entry| Some((entry, how(entry, phases, direction)?)));
    let mut found: BTreeSet<String> = changed.filter_map(|(entry, how)| sight.conflict(entry, how)).collect();
    // what the other one will change yet, and this one is built on
    let remains = |entry: &&FootprintEntry| entry.after.keys().any(|phase| Some(*phase) > other.done);
    let asked = own.footprint.iter().filter(|_| direction == Direction::Apply);
    let needed = asked.filter(|entry| !entry.independent && entry.object.kind != Kind::Table);
    let needed: BTreeSet<&ObjectId> = needed.map(|entry| &entry.object).collect();
    let still = other.plan.footprint.iter().filter(remains).filter(|entry| needed.contains(&entry.object));
    found.extend(still.map(|entry| format!("still changes {}", entry.object)));
    found.into_iter().collect()
}

/// What the phases do to an object, if anything.
fn how(entry: &FootprintEntry, phases: &[Phase], direction: Direction) -> Option<How> {
    let mut changes = entry.after.iter().filter(|(phase, _)| phases.contains(phase)).peekable();
    changes.peek()?;
    let last = phases.iter().max().copied();
    let before = phases.iter().min().and_then(|first| entry.after.range(..*first).next_back());
    let was = before.map_or(entry.base.is_some(), |(_, change)| matches!(change, Change::Became(_)));
    let becomes = last.is_some_and(|last| match entry.after.range(..=last).next_back() {
        Some((_, change)) => matches!(change, Change::Became(_)),
        None => entry.base.is_some(),
    });
    let (was, becomes) = if direction == Direction::Rollback { (becomes, was) } else { (was, becomes) };
    Some(match (was, becomes) {
        (true, true) => How::Changed,
        (true, false) => How::Missing,
        (false, true) => How::Added,
        // it comes and goes
        (false, false) => return None,
    })
}

/// The other plan, as one that gets in its way is seen from there.
struct Sight<'a> {
    others: &'a BTreeSet<ObjectId>,
    relations: BTreeSet<Path>,
    around: Around<'a>,
}

impl Sight<'_> {
    /// Why a change of an object is in the way of the other plan.
    fn conflict(&self, entry: &FootprintEntry, how: How) -> Option<String> {
        let object = &entry.object;
        if self.others.contains(object) {
            return Some(format!("changes {object}, too"));
        }
        let hard = |need: &&ObjectId| self.others.contains(*need) && self.around.is_hard(need);
        if let Some(need) = entry.needs.iter().find(hard).filter(|_| how != How::Missing) {
            return Some(format!("changes {need}, which {object} needs"));
        }
        let relation = relation_of(&object.target().unwrap_or_else(|| object.clone()));
        let is_near =
            self.around.knows(object) || relation.is_some_and(|relation| self.relations.contains(&relation));
        (is_near && !self.around.leaves_alone(object, how)).then(|| format!("relies on {object} as it is"))
    }
}
