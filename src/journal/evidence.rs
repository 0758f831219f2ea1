//! What the chain of entries proves: that nothing in it was changed, and whose approvals each run had.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use super::{
    Run,
    entry::{self, Broken, Entry},
};
use crate::{
    approval::{Approval, Keys, Signed},
    toml_file,
};

/// What a chain came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// How many entries there are.
    pub entries: usize,
    /// The hash of the last one: whoever keeps it, or an export, can tell later whether the chain goes on from there.
    pub last: Option<String>,
    /// How many approvals there are whose signature is good.
    pub signed: usize,
    /// How many that are not signed, or whose signature nobody could check for want of keys.
    pub unsigned: usize,
    /// What is wrong.
    pub problems: Vec<String>,
}

/// Looks at a chain; with keys also at the signatures of the approvals in it, as of the time that each was given.
pub fn examine(entries: &[Entry], keys: Option<&Keys<'_>>) -> Evidence {
    let broken = entry::check(entries).err().map(|broken| broken.to_string());
    let mut evidence = Evidence {
        entries: entries.len(),
        last: entries.last().map(|entry| entry.hash.clone()),
        signed: 0,
        unsigned: 0,
        problems: broken.into_iter().collect(),
    };
    for entry in entries.iter().filter(|entry| entry.kind == "run") {
        for written in entry.body["approvals"].as_array().into_iter().flatten() {
            let problem = |what: &str| format!("entry {}: {what}", entry.id);
            let text = written["body"].as_str().unwrap_or_default();
            let Ok(mut approval) = toml_file::parse::<Approval>(Path::new("approval"), text) else {
                evidence.problems.push(problem("an approval is none"));
                continue;
            };
            let by = approval.approver.clone();
            if entry.body["plan"].as_str() != Some(approval.plan.as_str())
                || entry.body["phase"].as_str() != Some(approval.phase.label())
            {
                evidence.problems.push(problem(&format!("the approval by {by} is for something else")));
            }
            let Some(keys) = keys.filter(|_| approval.signature.is_some()) else {
                evidence.unsigned += 1;
                continue;
            };
            let given = approval.created;
            approval.verify(keys, &BTreeSet::new(), given);
            match &approval.signed {
                Signed::Good { key } if written["key"].as_str().is_none_or(|known| known == key) => {
                    evidence.signed += 1;
                }
                Signed::Good { .. } => evidence.problems.push(problem(&format!(
                    "the approval by {by} is signed with another key than was written"
                ))),
                Signed::Bad(why) => {
                    evidence.problems.push(problem(&format!("the signature of {by} is not good: {why}")));
                }
                Signed::No => evidence.unsigned += 1,
            }
        }
    }
    evidence
}

/// Whether a chain goes on from one that was exported earlier.
pub fn extends(entries: &[Entry], earlier: &[Entry]) -> Result<(), Broken> {
    entry::check(earlier)?;
    entry::extends(entries, earlier)
}

/// Where what the journal's tables say of runs is not what the chain says.
pub fn contradictions(entries: &[Entry], runs: &[Run]) -> Vec<String> {
    let text = |entry: &Entry, field: &str| entry.body[field].as_str().map(str::to_owned);
    let number = |entry: &Entry| entry.body["run"].as_i64();
    let mut found = Vec::new();
    let mut ends: BTreeMap<i64, Option<String>> = BTreeMap::new();
    for entry in entries.iter().filter(|entry| entry.kind == "end") {
        ends.extend(number(entry).map(|run| (run, text(entry, "outcome"))));
    }
    let by_id: BTreeMap<i64, &Run> = runs.iter().map(|run| (run.id, run)).collect();
    let begun = entries.iter().filter(|entry| entry.kind == "run");
    let begun: BTreeMap<i64, &Entry> = begun.filter_map(|entry| Some((number(entry)?, entry))).collect();
    for (id, entry) in &begun {
        let Some(run) = by_id.get(id) else {
            found.push(format!("run {id} of entry {} is not in trueup.run", entry.id));
            continue;
        };
        let outcome = run.outcome.map(super::Ended::label).map(str::to_owned);
        let said = (Some(run.plan.clone()), Some(run.name.clone()), Some(run.phase.label().to_owned()));
        let approvers = entry.body["approvals"].as_array().map_or(0, Vec::len);
        if said != (text(entry, "plan"), text(entry, "name"), text(entry, "phase"))
            || Some(run.direction.label().to_owned()) != text(entry, "direction")
            || outcome != ends.get(id).cloned().flatten()
            || approvers != run.approvers.len()
        {
            found.push(format!("run {id} in trueup.run is not what entry {} and its end say", entry.id));
        }
    }
    let first = begun.keys().next().copied().unwrap_or(i64::MAX);
    let unknown = runs.iter().filter(|run| run.id >= first && !begun.contains_key(&run.id));
    found.extend(unknown.map(|run| format!("run {} in trueup.run has no entry", run.id)));
    found
}
