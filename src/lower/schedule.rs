//! The scheduler: drafts in, steps in order and in batches out.
//!
//! The graph has put the units in a row. Here one rule is kept that no recipe can break: what goes and comes back (an object,
//! a name, uniqueness that another index has afterwards) does so in one transaction, a *group*. What is slow and stands
//! inside is moved before the group, or behind it, as far as what it needs and what needs it allows; what can be neither
//! runs within the transaction, under its locks, and the rehearsal says how much that is.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::RangeInclusive,
};

use super::{
    draft::{Draft, Key, Needs, Undo},
    index::{rename, replacement},
    with_relation,
};
use crate::{
    catalog::Catalog,
    diff::Changes,
    graph::{self, OutOfOrder, Unit},
    kind::Object,
    name::{Kind, ObjectId, Pair},
    sql::Sql,
    step::{Action, Operation, Phase, Verb, With},
};

/// Puts the drafts in order, and says of each whether it shares the transaction of the one before because something is
/// missing until it is done.
pub(super) fn schedule(
    drafts: Vec<Draft>,
    units: &[Unit],
    renamings: usize,
    changes: &Changes,
    before: &Catalog,
) -> Result<Vec<(Draft, bool)>, OutOfOrder> {
    let mut after = after(&drafts, units);
    after.resize(apart(units, renamings), BTreeSet::new());
    after.push((units.len()..apart(units, renamings)).collect());
    let mut row = Row { drafts, units, after, changes, before };
    row.merge_rewrites();
    row.merge_passes();
    row.bring_forward();
    let mut within = BTreeSet::new();
    let count = row.drafts.len();
    for group in row.groups() {
        // drafts that were added before it
        let more = row.drafts.len() - count;
        let group = row.clear(group.start() + more..=group.end() + more);
        within.extend(group.skip(1));
    }
    row.check()?;
    Ok(row.drafts.into_iter().enumerate().map(|(at, draft)| (draft, within.contains(&at))).collect())
}

/// What stands for the unit of what is of no change and has an order of its own: each column that is renamed online, by its
/// number, and behind them the columns that are converted online.
pub(super) const fn apart(units: &[Unit], number: usize) -> usize {
    units.len() + number
}

/// The drafts in a row.
pub(super) struct Row<'a> {
    pub drafts: Vec<Draft>,
    units: &'a [Unit],
    /// For each unit those with drafts that have to come before it.
    after: Vec<BTreeSet<usize>>,
    changes: &'a Changes,
    before: &'a Catalog,
}

/// The units that have to come before each. One without drafts stands for those before it.
fn after(drafts: &[Draft], units: &[Unit]) -> Vec<BTreeSet<usize>> {
    let there: BTreeSet<usize> = drafts.iter().filter_map(|draft| draft.unit).collect();
    let mut all: Vec<BTreeSet<usize>> = Vec::with_capacity(units.len());
    for unit in units {
        let mut before = BTreeSet::new();
        for earlier in &unit.after {
            match all.get(*earlier) {
                Some(through) if !there.contains(earlier) => before.extend(through.iter().copied()),
                _ => _ = before.insert(*earlier),
            }
        }
        all.push(before);
    }
    all
}

impl Row<'_> {
    /// From where something goes to where it comes back, in the same phase.
    fn windows(&self) -> Vec<(RangeInclusive<usize>, &Key)> {
        let mut gone: BTreeMap<&Key, usize> = BTreeMap::new();
        let mut there: BTreeMap<&Key, usize> = BTreeMap::new();
        let mut windows = Vec::new();
        for (at, draft) in self.drafts.iter().enumerate() {
            for key in &draft.takes {
                match there.get_mut(key) {
                    // another one has come before
                    Some(more) if *more > 0 => *more -= 1,
                    // what goes with several things is away from the first on
                    _ => _ = gone.entry(key).or_insert(at),
                }
            }
            for key in &draft.gives {
                match gone.remove(key) {
                    Some(since) if since < at && self.drafts[since].phase == draft.phase => {
                        windows.push((since..=at, key));
                    }
                    Some(_) => {}
                    None => *there.entry(key).or_default() += 1,
                }
            }
        }
        windows
    }

    /// Makes what can be there twice before it takes the place of the other: then nothing is missing.
    fn bring_forward(&mut self) {
        let windows = self.windows().into_iter().filter(|(_, key)| key.may_be_twice());
        let twice: Vec<(RangeInclusive<usize>, Key)> =
            windows.map(|(window, key)| (window, key.clone())).collect();
        for (window, key) in twice {
            let end = *window.end();
            // an earlier move has put drafts before the one that takes it, or has moved the one that gives it
            let taker = window.clone().find(|at| self.drafts[*at].takes.contains(&key));
            let Some(start) = taker.filter(|_| self.drafts[end].gives.contains(&key)) else { continue };
            let moved = self.before(&self.drafts, end, start);
            let same = |key: &Key| !key.may_be_twice() && self.drafts[start].takes.contains(key);
            let clash = moved.iter().any(|at| self.drafts[*at].gives.iter().any(same));
            if !clash && !moved.contains(&start) && moved.iter().all(|at| self.drafts[*at].takes.is_empty()) {
                let moved = take(&mut self.drafts, &moved);
                self.drafts.splice(start..start, moved);
            }
        }
    }

    /// The windows that overlap, as one.
    fn groups(&self) -> Vec<RangeInclusive<usize>> {
        let mut windows: Vec<(usize, usize)> =
            self.windows().into_iter().map(|(window, _)| window.into_inner()).collect();
        windows.sort_unstable();
        let mut groups: Vec<RangeInclusive<usize>> = Vec::new();
        for (start, end) in windows {
            match groups.last_mut() {
                Some(last) if start <= *last.end() => *last = *last.start()..=end.max(*last.end()),
                _ => groups.push(start..=end),
            }
        }
        groups
    }

    /// Moves what is slow out of a group, and has what cannot be moved run within it. Returns where the group is now.
    fn clear(&mut self, group: RangeInclusive<usize>) -> RangeInclusive<usize> {
        let mut inside: Vec<Draft> = self.drafts.drain(group.clone()).collect();
        let mut places: Vec<usize> = (0..inside.len()).collect();
        let mut front = Vec::new();
        // what only the way back does comes last, and so stands next to the group, in its order: that is what it is for
        let (mut back, mut behind) = (Vec::new(), Vec::new());
        for only_back in [false, true] {
            let mut at = 0;
            while let Some(draft) = inside.get(at) {
                if !is_slow(draft) || draft.run.is_nothing() != only_back {
                    at += 1;
                    continue;
                }
                let (before, after) = (self.before(&inside, at, 0), self.after(&inside, at));
                let free = |moved: &BTreeSet<usize>| {
                    moved.iter().all(|at| inside[*at].takes.is_empty() && inside[*at].gives.is_empty())
                };
                let (goes_first, goes_last) = (free(&before), free(&after));
                if goes_first && !(goes_last && wants_last(draft)) {
                    at = at + 1 - before.len();
                    take(&mut places, &before);
                    front.extend(take(&mut inside, &before));
                } else if goes_last {
                    let moved = take(&mut places, &after).into_iter().zip(take(&mut inside, &after));
                    if only_back { back.extend(moved) } else { behind.extend(moved.map(|(_, draft)| draft)) }
                } else {
                    if self.waits_for_name(&inside, at) {
                        front.extend(built_before(&mut inside[at]));
                    } else if self.can_be_built_back(&inside, at) {
                        back.extend(dropped_within(&mut inside[at]).map(|build| (places[at], build)));
                    } else {
                        within(&mut inside[at]);
                    }
                    at += 1;
                }
            }
        }
        let start = group.start() + front.len();
        let end = start + inside.len();
        let place = *group.start();
        back.sort_by_key(|(place, _)| *place);
        let back = back.into_iter().map(|(_, draft)| draft);
        self.drafts.splice(place..place, front.into_iter().chain(inside).chain(back).chain(behind));
        start..=end.saturating_sub(1)
    }

    /// What has been moved still stands behind all of its phase that its unit has to wait for.
    fn check(&self) -> Result<(), OutOfOrder> {
        let of_units = || {
            let bound = self.drafts.iter().enumerate().filter(|(_, draft)| !self.is_by_itself(draft));
            bound.filter_map(|(at, draft)| Some((at, draft, draft.unit?)))
        };
        let last: BTreeMap<(usize, Phase), usize> =
            of_units().map(|(at, draft, unit)| ((unit, draft.phase), at)).collect();
        for (at, draft, unit) in of_units() {
            let waits_for = self.after[unit].iter().filter_map(|unit| last.get(&(*unit, draft.phase)));
            if let Some(behind) = waits_for.copied().find(|behind| *behind > at) {
                let (earlier, later) = (self.drafts[behind].summary.clone(), draft.summary.clone());
                return Err(OutOfOrder { earlier, later });
            }
        }
        Ok(())
    }

    /// The draft and all from `from` on that have to come before it.
    pub fn before(&self, drafts: &[Draft], at: usize, from: usize) -> BTreeSet<usize> {
        let mut found = BTreeSet::from([at]);
        for earlier in (from..at).rev() {
            if found.iter().any(|later| self.comes_first(&drafts[earlier], &drafts[*later])) {
                found.insert(earlier);
            }
        }
        found
    }

    /// The draft and all that have to come behind it.
    fn after(&self, drafts: &[Draft], at: usize) -> BTreeSet<usize> {
        let mut found = BTreeSet::from([at]);
        for later in at + 1..drafts.len() {
            if found.iter().any(|earlier| self.comes_first(&drafts[*earlier], &drafts[later])) {
                found.insert(later);
            }
        }
        found
    }

    /// Whether it builds an index that has to wait for nothing in the group but its name.
    fn waits_for_name(&self, drafts: &[Draft], at: usize) -> bool {
        let Operation::BuildIndex { index, .. } = &drafts[at].run.operation else { return false };
        let earlier = drafts[..at].iter().filter(|earlier| self.comes_first(earlier, &drafts[at]));
        earlier.into_iter().all(|draft| self.has_name(draft, index, |object| object.before.as_ref()))
    }

    /// Whether it drops an index that can be built on the way back before the group is undone: nothing in it touches what
    /// the index needs.
    fn can_be_built_back(&self, drafts: &[Draft], at: usize) -> bool {
        let Operation::DropIndex { .. } = &drafts[at].run.operation else { return false };
        let needs = Needs::of(self.before, &drafts[at].object, self.changes);
        !drafts[at + 1..].iter().any(|later| self.touches(later, &needs))
    }

    /// Whether the draft's unit changes one of these.
    fn touches(&self, draft: &Draft, needs: &Needs) -> bool {
        match (needs, draft.unit.and_then(|unit| self.units.get(unit))) {
            (Needs::Objects(ids), Some(unit)) => {
                ids.contains(&draft.object) || unit.members.iter().any(|id| ids.contains(id))
            }
            _ => false,
        }
    }

    /// Whether the draft's unit is about a relation of this name, on this side.
    fn has_name(
        &self,
        draft: &Draft,
        index: &ObjectId,
        side: impl Fn(&Pair<Option<Object>>) -> Option<&Object>,
    ) -> bool {
        let root = draft.unit.and_then(|unit| Some(&self.units.get(unit)?.root));
        let name = ("relation", index.path.parts().join("\0"));
        root.and_then(|root| Some((root, side(&self.changes.get(root)?.object)?)))
            .is_some_and(|(root, object)| graph::names(root, object).contains(&name))
    }

    /// Whether the one has to stay before the other.
    pub fn comes_first(&self, first: &Draft, second: &Draft) -> bool {
        // what is of no unit keeps its own order only
        let (Some(a), Some(b)) = (first.unit, second.unit) else {
            let apart = |draft: &Draft| draft.unit.is_none_or(|unit| unit >= self.units.len());
            return apart(first) && apart(second);
        };
        if a == b {
            return true;
        }
        if self.touches(first, &second.needs) || self.touches(second, &first.needs) {
            return true;
        }
        !self.is_by_itself(first) && !self.is_by_itself(second) && self.after[b].contains(&a)
    }

    /// Whether it does not wait for what its unit waits for.
    fn is_by_itself(&self, draft: &Draft) -> bool {
        matches!(draft.needs, Needs::Objects(_)) || self.is_proof(draft)
    }

    /// Whether nothing else hangs on when it is proven.
    fn is_proof(&self, draft: &Draft) -> bool {
        draft.verb == Verb::Validate
            && matches!(draft.object.kind, Kind::Constraint | Kind::DomainConstraint)
            && self.changes.contains_key(&draft.object)
    }
}

/// Takes drafts, or what else stands for them, out of a row, in their order.
pub(super) fn take<T>(row: &mut Vec<T>, which: &BTreeSet<usize>) -> Vec<T> {
    let mut at = 0..;
    row.extract_if(.., |_| at.next().is_some_and(|at| which.contains(&at))).collect()
}

/// Whether it cannot share a transaction, or would read a table for long within one.
fn is_slow(draft: &Draft) -> bool {
    let slow =
        |action: &Action| !action.is_transactional() || action.operation.reads_all() || draft.builds_view();
    slow(&draft.run) || draft.undo().is_some_and(slow)
}

/// Whether it is better behind a group than before it: what goes, what proves what the group has made, and what the way
/// back begins with.
fn wants_last(draft: &Draft) -> bool {
    match (&draft.run.operation, draft.with) {
        (Operation::Nothing, with) => with != Some(With::Next),
        (
            Operation::Validate
            | Operation::Refresh { .. }
            | Operation::DropIndex { .. }
            | Operation::Detach { .. },
            _,
        ) => true,
        _ => false,
    }
}

/// Leaves of a draft that builds an index only that it gets its name, and returns the one that builds it before.
fn built_before(draft: &mut Draft) -> Option<Draft> {
    let Operation::BuildIndex { index, table, unique, definition } = draft.run.operation.clone() else {
        return None;
    };
    let fresh = replacement(&index, "new");
    let run = Action::build_index(fresh.clone(), table, unique, definition);
    let undo = Undo::By(Action::drop_index_if_exists(fresh.clone()));
    draft.run = Action::swap(vec![rename(&fresh, &index)]);
    // a foreign key that comes again on the way back must not take this one
    // the part of a partitioned index has gone with that if the way back has dropped it by then
    let may_be_gone =
        matches!(draft.undo(), Some(Action { operation: Operation::DropIndex { if_exists: true, .. }, .. }));
    let if_exists = if may_be_gone { "IF EXISTS " } else { "" };
    draft.undo = Undo::By(Action::catalog(vec![Sql::new(format!("DROP INDEX {if_exists}{}", index.sql()))]));
    let summary = format!("build the next {}", with_relation(&index));
    let build = Draft::new(draft.phase, Verb::Create, fresh, summary, run, undo);
    Some(Draft { unit: draft.unit, needs: Needs::nothing(), ..build })
}

/// Has an index dropped within the transaction, and returns what builds it on the way back, before that is undone.
fn dropped_within(draft: &mut Draft) -> Option<Draft> {
    let Some(Action { operation: Operation::BuildIndex { index, table, unique, definition }, .. }) =
        draft.undo().cloned()
    else {
        return None;
    };
    let spare = replacement(&index, "old");
    let undo = Undo::By(Action::build_index(spare.clone(), table, unique, definition));
    draft.undo = Undo::By(Action::swap(vec![rename(&spare, &index)]));
    within(draft);
    let summary = format!("on the way back, build the index of what was {}", with_relation(&index));
    let build = Draft::new(draft.phase, Verb::Create, spare, summary, Action::nothing(), undo);
    Some(Draft { unit: draft.unit, needs: Needs::nothing(), with: Some(With::Previous), ..build })
}

/// Has it run within the transaction of the others, there and back.
fn within(draft: &mut Draft) {
    let plainly = |action: &mut Action| {
        if let Some(sql) = action.operation.plain_statement() {
            *action = Action::bulk(vec![sql]);
        } else if action.operation == Operation::Validate {
            *action = Action::rewrite(std::mem::take(&mut action.sql));
        }
    };
    plainly(&mut draft.run);
    if let Undo::By(undo) = &mut draft.undo {
        plainly(undo);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A step of a unit of its own, that takes and gives these.
    fn draft(units: &mut Vec<Unit>, name: &str, takes: &[&Key], gives: &[&Key]) -> Draft {
        let id: ObjectId = format!("constraint public.t.{name}").parse().unwrap();
        units.push(Unit::apart(id.clone(), Phase::Expand));
        let run = Action::catalog(vec![Sql::new(name)]);
        let [takes, gives] = [takes, gives].map(|keys| keys.iter().map(|key| (*key).clone()).collect());
        let draft = Draft::new(Phase::Expand, Verb::Alter, id, name.to_owned(), run, Undo::Nothing);
        Draft { unit: Some(units.len() - 1), takes, gives, ..draft }
    }

    fn scheduled(drafts: Vec<Draft>, units: &[Unit]) -> Vec<String> {
        let row = schedule(drafts, units, 0, &Changes::new(), &Catalog::default()).unwrap();
        row.into_iter().map(|(draft, _)| draft.summary).collect()
    }

    fn unique(of: &str) -> Key {
        Key::Unique("table public.t".parse().unwrap(), of.to_owned())
    }

    #[test]
    fn what_may_be_there_twice_is_made_before_the_other_goes() {
        let mut units = Vec::new();
        let key = unique("a");
        let row = [
            draft(&mut units, "drop", &[&key], &[]),
            draft(&mut units, "other", &[], &[]),
            draft(&mut units, "make", &[], &[&key]),
        ];
        assert_eq!(scheduled(row.into(), &units), ["make", "drop", "other"]);
    }

    #[test]
    fn a_group_stays_one_behind_another_that_gets_more_drafts() {
        let mut units = Vec::new();
        let [one, two] =
            ["one", "two"].map(|name| Key::Object(format!("view public.{name}").parse().unwrap()));
        let index: ObjectId = "index public.i".parse().unwrap();
        let mut row = vec![
            draft(&mut units, "drop_one", &[&one], &[]),
            draft(&mut units, "drop_index", &[], &[]),
            draft(&mut units, "make_one", &[], &[&one]),
            draft(&mut units, "drop_two", &[&two], &[]),
            draft(&mut units, "make_two", &[], &[&two]),
        ];
        let table: ObjectId = "table public.t".parse().unwrap();
        row[1].run = Action::drop_index(index.clone());
        row[1].undo =
            Undo::By(Action::build_index(index, table, false, "ON public.t USING btree (a)".to_owned()));
        units[1].after.push(0);
        units[2].after.push(1);
        let (changes, catalog) = (Changes::new(), Catalog::default());
        let row = schedule(row, &units, 0, &changes, &catalog).unwrap();
        let row: Vec<(&str, bool)> =
            row.iter().map(|(draft, within)| (draft.summary.as_str(), *within)).collect();
        let build = "on the way back, build the index of what was index public.i";
        assert_eq!(
            row,
            [
                ("drop_one", false),
                ("drop_index", true),
                ("make_one", true),
                (build, false),
                ("drop_two", false),
                ("make_two", true)
            ]
        );
    }

    #[test]
    fn a_step_before_what_it_waits_for_is_an_error_that_says_so() {
        let mut units = Vec::new();
        let row = [draft(&mut units, "later", &[], &[]), draft(&mut units, "earlier", &[], &[])];
        let changes = Changes::new();
        let catalog = Catalog::default();
        let row = Row {
            drafts: row.into(),
            units: &units,
            after: vec![BTreeSet::from([1]), BTreeSet::new()],
            changes: &changes,
            before: &catalog,
        };
        assert_eq!(
            row.check().unwrap_err().to_string(),
            "`later` would come before `earlier`, which has to be done by then"
        );
    }

    #[test]
    fn of_two_that_overlap_each_is_held_against_what_it_takes_the_place_of() {
        let mut units = Vec::new();
        let (one, two) = (unique("a"), unique("b"));
        let named = Key::Object("constraint public.t.two".parse().unwrap());
        let row = [
            draft(&mut units, "drop_one", &[&one], &[]),
            draft(&mut units, "drop_two", &[&two, &named], &[]),
            draft(&mut units, "make_one", &[], &[&one]),
            // it has the name of the one that goes, and cannot be made before
            draft(&mut units, "make_two", &[], &[&two, &named]),
        ];
        assert_eq!(scheduled(row.into(), &units), ["make_one", "drop_one", "drop_two", "make_two"]);
    }
}
