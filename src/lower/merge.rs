//! Steps that are one: rewrites of a table that are one ALTER TABLE, and passes that fill columns of it at once. Each row is
//! written once. The first of them does it all, the others stand behind it and say so.

use std::collections::BTreeSet;

use super::{
    draft::{Draft, Undo},
    schedule::{Row, take},
};
use crate::{
    kind::TableDdl,
    step::{Action, Operation},
};

impl Row<'_> {
    /// Makes one ALTER TABLE of those that rewrite a table, so that each row is written once.
    pub fn merge_rewrites(&mut self) {
        let mut first = 0;
        while first < self.drafts.len() {
            let mut end = first + 1;
            for at in first + 1..self.drafts.len() {
                if self.is_part_of(&self.drafts[first], at) && self.before(&self.drafts, at, end).len() == 1 {
                    let mut part = self.drafts.remove(at);
                    if let (Some(all), Some(more)) = (&mut self.drafts[first].alters, part.alters.take()) {
                        all.before.clauses.extend(more.before.clauses);
                        all.after.clauses.extend(more.after.clauses);
                    }
                    part.become_part(" in the same statement");
                    self.drafts.insert(end, part);
                    end += 1;
                }
            }
            if let Draft { alters: Some(all), run, undo, .. } = &mut self.drafts[first]
                && end > first + 1
            {
                let alter =
                    |ddl: &TableDdl| Action::rewrite(ddl.clone().into_statement().into_iter().collect());
                *run = alter(&all.before);
                *undo = Undo::By(alter(&all.after));
            }
            first = end;
        }
    }

    /// Makes one pass of those that fill columns of the same table, so that each row is written once. What they prepare
    /// (columns and triggers) comes before it.
    pub fn merge_passes(&mut self) {
        let mut first = 0;
        while first < self.drafts.len() {
            let mut end = first + 1;
            for at in first + 1..self.drafts.len() {
                let Some(prepared) = self.prepared_for(first, at, end) else { continue };
                let mut part = self.drafts.remove(at);
                if let (Some(pass), Some(more)) = (&mut self.drafts[first].fills, part.fills.take()) {
                    pass.add(more);
                }
                part.become_part(" in the same pass");
                self.drafts.insert(end, part);
                let prepared = take(&mut self.drafts, &prepared.iter().map(|at| at + 1).collect());
                let count = prepared.len();
                self.drafts.splice(first..first, prepared);
                first += count;
                end += count + 1;
            }
            if let Draft { fills: Some(pass), run, undo, .. } = &mut self.drafts[first]
                && end > first + 1
            {
                let all = pass.action();
                if run.is_nothing() { *undo = Undo::By(all) } else { *run = all }
            }
            first = end;
        }
    }

    /// What of the drafts between has to come before the first pass so that the one at this place can be part of it. None
    /// where it cannot.
    fn prepared_for(&self, first: usize, at: usize, end: usize) -> Option<BTreeSet<usize>> {
        let (one, other) = (&self.drafts[first], &self.drafts[at]);
        let fits = one.fills.as_ref()?.fits(other.fills.as_ref()?)
            && one.phase == other.phase
            && one.run.is_nothing() == other.run.is_nothing();
        // a second pass for the same column is there for what came after the first
        let again = |part: &Draft| part.object == other.object;
        if !fits || self.drafts[first..end].iter().any(again) {
            return None;
        }
        let mut prepared = self.before(&self.drafts, at, end);
        prepared.remove(&at);
        let may_move = |draft: &Draft| {
            let quick =
                |action: &Action| matches!(action.operation, Operation::Catalog | Operation::AddColumn);
            // a rollback runs the other way: there it comes behind the pass, however long it takes
            let rolls_back = one.run.is_nothing()
                && (draft.run.is_nothing() || matches!(draft.run.operation, Operation::Swap));
            (rolls_back || quick(&draft.run) && draft.undo().is_none_or(quick))
                && draft.takes.is_empty()
                && draft.gives.is_empty()
                && self.drafts[first..end].iter().all(|part| !self.comes_first(part, draft))
        };
        prepared.iter().all(|at| may_move(&self.drafts[*at])).then_some(prepared)
    }

    /// Whether the draft at this place can be a part of the same ALTER TABLE.
    fn is_part_of(&self, first: &Draft, at: usize) -> bool {
        let draft = &self.drafts[at];
        let (Some(all), Some(more)) = (&first.alters, &draft.alters) else { return false };
        let same = |one: &TableDdl, other: &TableDdl| one.table == other.table && one.only == other.only;
        draft.takes.is_empty()
            && draft.gives.is_empty()
            && first.phase == draft.phase
            && same(&all.before, &more.before)
            && same(&all.after, &more.after)
    }
}
