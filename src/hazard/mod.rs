//! Hazards: coded risks of a step, derived from facts, each with the safer way.
//!
//! One file for each hazard: its code, level and explanation, and how it is found. [`REGISTRY`] is the one list.

mod blocks_writes;
mod breaks_old_code;
mod changes_owner;
mod constrains_old_code;
mod converts_column;
mod data_loss;
mod extension_stays;
mod fills_rows;
mod foreign_key_types;
mod function_fails;
mod gap;
mod new_code_waits;
mod no_replica_identity;
mod prepared_star;
mod subscribers_first;
mod table_rewrite;
mod unindexed_foreign_key;
mod widens_access;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    catalog::Catalog,
    facts::{self, Facts},
    kind::{Column, Object},
    name::{Kind, ObjectId, Pair},
    step::{Action, LockMode, Observed, Phase, Step, Verb},
};

/// How much a hazard asks of the reviewer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Worth knowing.
    Notice,
    /// Worth thinking about.
    Warning,
    /// Must be accepted by its code in an approval.
    Danger,
}

impl Level {
    /// The level as plans write it.
    pub fn label(self) -> &'static str {
        match self {
            Level::Notice => "notice",
            Level::Warning => "warning",
            Level::Danger => "danger",
        }
    }
}

/// A risk of one step of one plan.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hazard {
    /// The code that an approval accepts: `DATA_LOSS`.
    pub code: String,
    /// How much it asks of the reviewer.
    pub level: Level,
    /// What happens here, to which object.
    pub message: String,
    /// The safer way, or what to do about it.
    pub advice: String,
}

/// Whose statements a hazard is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// Of code that was written for the schema as it was: from this step on.
    OldCode,
    /// Of code that is written for the schema as it is to be: until this step has run.
    NewCode,
}

impl Hazard {
    /// Whose statements it is about, as the registry has it.
    pub fn side(&self) -> Option<Side> {
        REGISTRY.iter().find(|rule| rule.code == self.code).and_then(|rule| rule.about)
    }
}

/// A kind of hazard.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// Its code.
    pub code: &'static str,
    /// How much it asks of the reviewer.
    pub level: Level,
    /// Whose statements fail by it, if any do.
    pub about: Option<Side>,
    /// What it means, in general.
    pub explanation: &'static str,
    /// The safer way.
    pub advice: &'static str,
    /// What it says of one step, if it is there.
    pub find: fn(&Case<'_>) -> Option<String>,
    /// Whether a plan alone shows that it is there: one that does not say so was not made by this program.
    /// `only_catalogs_tell` where that cannot be known without the database.
    pub offline: fn(&Offline<'_>) -> bool,
}

/// One direction of one step, with all that a plan says of it.
#[derive(Debug, Clone, Copy)]
pub struct Offline<'a> {
    /// The step.
    pub step: &'a Step,
    /// Whether this is its undo.
    pub undo: bool,
    /// What the rehearsal saw.
    pub seen: &'a Observed,
    /// The locks that the batch holds when the statement is done.
    pub held: &'a BTreeMap<String, LockMode>,
    /// Whether it takes rows or values away, by its statements.
    pub loses: bool,
}

/// For rules that need both catalogs: no plan shows it by itself.
fn only_catalogs_tell(_: &Offline<'_>) -> bool {
    false
}

/// Every hazard that there is, the worst first.
pub const REGISTRY: &[Rule] = &[
    data_loss::RULE,
    gap::RULE,
    table_rewrite::RULE,
    blocks_writes::RULE,
    no_replica_identity::RULE,
    breaks_old_code::RULE,
    function_fails::RULE,
    constrains_old_code::RULE,
    converts_column::RULE,
    subscribers_first::RULE,
    widens_access::RULE,
    changes_owner::RULE,
    extension_stays::RULE,
    foreign_key_types::RULE,
    new_code_waits::RULE,
    unindexed_foreign_key::RULE,
    fills_rows::RULE,
    prepared_star::RULE,
];

/// One direction of one step, with all that is known of it.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// The step.
    pub step: &'a Step,
    /// The step that does what this one is part of: an earlier one, where one ALTER TABLE is the statement of several.
    pub does: &'a Step,
    /// Whether this is its undo.
    pub undo: bool,
    /// The object on both sides of this direction.
    pub object: Pair<Option<&'a Object>>,
    /// The catalogs on both sides of this direction.
    pub catalogs: Pair<&'a Catalog>,
    /// What the rehearsal saw.
    pub seen: &'a Observed,
    /// The strong locks that the batch holds when the statement is done.
    pub held: &'a BTreeMap<String, LockMode>,
    /// What is known of live.
    pub facts: &'a Facts,
}

impl Case<'_> {
    /// Whether a row that says nothing of a column is refused.
    fn is_refused_without_value(&self, id: &ObjectId, column: &Column) -> bool {
        let default = ObjectId { kind: Kind::Default, path: id.path.clone() };
        let filled = column.identity.is_some() || column.generated.is_some();
        column.not_null && !filled && !self.catalogs.before.objects.contains_key(&default)
    }

    /// Whether there was anything in a relation, as far as that is known.
    pub fn had_rows(&self, relation: &str) -> bool {
        self.facts
            .relations
            .get(relation)
            .is_none_or(|size| size.bytes > 0 || size.rows.is_some_and(|rows| rows > 0))
    }

    /// ` (about 200000 rows)`, where live's estimate is known.
    pub fn rows(&self, relation: &str) -> String {
        match self.facts.relations.get(relation).and_then(|size| size.rows) {
            Some(1) => " (about 1 row)".to_owned(),
            Some(rows) => format!(" (about {rows} rows)"),
            None => String::new(),
        }
    }

    /// ` (about 200000 rows, 35 MB)`: how much there is to read or write.
    pub fn size(&self, relation: &str) -> String {
        let Some(size) = self.facts.relations.get(relation) else { return String::new() };
        let bytes = facts::in_units(size.bytes);
        match size.rows {
            Some(1) => format!(" (about 1 row, {bytes})"),
            Some(rows) => format!(" (about {} rows, {bytes})", facts::number(rows)),
            None => format!(" ({bytes})"),
        }
    }
}

/// A message without what [`Case::rows`] and [`Case::size`] say, which nobody is to rely on: estimates.
pub fn without_sizes(message: &str) -> String {
    let (mut text, mut rest) = (String::new(), message);
    while let Some(at) = rest.find(" (") {
        let behind = &rest[at + 2..];
        if let Some(end) = behind.find(')').filter(|end| is_size(&behind[..*end])) {
            text.push_str(&rest[..at]);
            rest = &behind[end + 1..];
        } else {
            text.push_str(&rest[..at + 2]);
            rest = behind;
        }
    }
    text + rest
}

fn is_size(text: &str) -> bool {
    text.split(", ").all(|part| {
        let (number, unit) = part.strip_prefix("about ").unwrap_or(part).split_once(' ').unwrap_or_default();
        let digits = !number.is_empty() && number.chars().all(|c| c.is_ascii_digit() || c == ',');
        digits && ["row", "rows", "kB", "MB", "GB", "TB"].contains(&unit)
    })
}

/// Whether it weighs as much as there is in a table.
pub fn weighs_with_size(code: &str) -> bool {
    [table_rewrite::RULE.code, blocks_writes::RULE.code].contains(&code)
}

/// Whether it is said of what a step does, and not of how its object differs afterwards.
pub fn is_of_facts(code: &str) -> bool {
    weighs_with_size(code)
        || [gap::RULE.code, data_loss::RULE.code, no_replica_identity::RULE.code].contains(&code)
}

/// What is wrong with the hazards that a plan has for one direction of a step: each is one of the registry's, as that says
/// it, and none is left out of which the plan itself shows that it is there.
pub fn flaw(offline: &Offline<'_>, hazards: &[Hazard]) -> Option<String> {
    for (at, Hazard { code, level, advice, message: _ }) in hazards.iter().enumerate() {
        let Some(rule) = REGISTRY.iter().find(|rule| rule.code == code) else {
            return Some(format!("this version of trueup knows no hazard {code}"));
        };
        if *level != rule.level {
            return Some(format!("the hazard {code} is a {}", rule.level.label()));
        }
        if advice != rule.advice {
            return Some(format!("the advice for {code} is another one"));
        }
        if hazards[..at].iter().any(|earlier| earlier.code == *code) {
            return Some(format!("the hazard {code} is there twice"));
        }
    }
    if !offline.undo && offline.step.run.is_nothing() {
        return None;
    }
    let is_there = |rule: &&Rule| hazards.iter().any(|hazard| hazard.code == rule.code);
    let left_out = REGISTRY.iter().filter(|rule| (rule.offline)(offline)).find(|rule| !is_there(rule))?;
    Some(format!("the hazard {} is left out", left_out.code))
}

/// For each step the locks that its transaction holds when it is done: by its batch, and whether it runs in one.
pub fn held_locks<'s>(
    steps: impl Iterator<Item = (u32, bool, &'s Observed)>,
) -> Vec<BTreeMap<String, LockMode>> {
    let mut all = Vec::new();
    let mut held: BTreeMap<String, LockMode> = BTreeMap::new();
    let mut last = None;
    for (batch, transactional, seen) in steps {
        if last != Some(batch) || !transactional {
            held.clear();
            last = Some(batch);
        }
        for lock in &seen.locks {
            let mode = held.entry(lock.relation.clone()).or_insert(lock.mode);
            *mode = lock.mode.max(*mode);
        }
        all.push(held.clone());
    }
    all
}

/// What is so of a schema whatever it comes from.
const OF_SCHEMA: [&Rule; 2] = [&foreign_key_types::RULE, &unindexed_foreign_key::RULE];

/// What would be said of a schema where all of it is new, in the order of its objects.
pub fn of_schema(catalog: &Catalog) -> Vec<(&'static Rule, String)> {
    let (nothing, seen, held, facts) =
        (Catalog::default(), Observed::default(), BTreeMap::new(), Facts::default());
    let mut found = Vec::new();
    for (id, object) in catalog.objects.iter().filter(|(id, _)| id.kind == Kind::Constraint) {
        let step = Step {
            phase: Phase::Expand,
            verb: Verb::Create,
            object: id.clone(),
            summary: String::new(),
            run: Action::nothing(),
            undo: Action::nothing(),
            batch: 1,
            with: None,
        };
        let (object, catalogs) = (Pair::new(None, Some(object)), Pair::new(&nothing, catalog));
        let case = Case {
            step: &step,
            does: &step,
            undo: false,
            object,
            catalogs,
            seen: &seen,
            held: &held,
            facts: &facts,
        };
        found.extend(OF_SCHEMA.iter().filter_map(|rule| Some((*rule, (rule.find)(&case)?))));
    }
    found
}

/// Every hazard of one direction of one step.
pub fn judge(case: &Case<'_>) -> Vec<Hazard> {
    // what is only there for a rollback
    if !case.undo && case.step.run.is_nothing() && !case.step.undo.is_nothing() {
        return Vec::new();
    }
    let found = REGISTRY.iter().filter_map(|rule| {
        (rule.find)(case).map(|message| Hazard {
            code: rule.code.to_owned(),
            level: rule.level,
            message,
            advice: rule.advice.to_owned(),
        })
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_left_out_and_nothing_else() {
        for (message, without) in [
            ("rewrites public.t (about 200,000 rows, 35 MB), public.u (8 kB)", "rewrites public.t, public.u"),
            ("loses its rows (about 1 row)", "loses its rows"),
            ("CHECK (a > 3) (about 7 rows)", "CHECK (a > 3)"),
            ("column t.\"a (b\"", "column t.\"a (b\""),
        ] {
            assert_eq!(without_sizes(message), without);
        }
    }
}
