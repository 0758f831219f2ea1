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
    approval::{Approval, Keys, SKEW, Signed},
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
                || (entry.body["direction"].as_str() == Some("rollback")) != approval.rollback
            {
                evidence.problems.push(problem(&format!("the approval by {by} is for something else")));
            }
            let Some(keys) = keys.filter(|_| approval.signature.is_some()) else {
                evidence.unsigned += 1;
                continue;
            };
            // as of the time that it was given, and of that at which the server wrote it down
            let Some(used) = entry.time() else {
                evidence.problems.push(problem("it says no time"));
                continue;
            };
            if approval.created > used + SKEW || approval.expires.is_some_and(|expires| expires < used) {
                evidence.problems.push(problem(&format!("the approval by {by} is not of that time")));
            }
            approval.verify(keys, &BTreeSet::new(), used);
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
    let number = |entry: &Entry| entry.body["run"].as_i64();
    let mut found = Vec::new();
    let mut said: BTreeMap<i64, Said> = BTreeMap::new();
    for entry in entries {
        let Some(run) = number(entry) else { continue };
        let body = &entry.body;
        let text = |field: &str| body[field].as_str().map(str::to_owned);
        match &*entry.kind {
            "run" => {
                let approvers = body["approvals"].as_array().into_iter().flatten();
                let approver = |written: &serde_json::Value| {
                    let text = written["body"].as_str()?;
                    let approval = toml_file::parse::<Approval>(Path::new("approval"), text).ok()?;
                    Some(approval.approver.to_string())
                };
                let fields = ["plan", "name", "phase", "direction", "backup", "glass", "tool"].map(text);
                let begun = Said {
                    entry: entry.id,
                    fields,
                    role: entry.role.clone(),
                    approvers: approvers.filter_map(approver).collect(),
                    ..Said::default()
                };
                if said.insert(run, begun).is_some() {
                    found.push(format!("run {run} begins twice, the second time in entry {}", entry.id));
                }
            }
            "end" => {
                let Some(begun) = said.get_mut(&run) else { continue };
                if begun.end.replace([text("outcome"), text("remark")]).is_some() {
                    found.push(format!("run {run} ends twice, the second time in entry {}", entry.id));
                }
            }
            "batch" | "step" => {
                let Some(begun) = said.get_mut(&run) else { continue };
                let others = |field: &str| body[field].as_array().map_or(0, Vec::len);
                begun.steps += match (&*entry.kind, body["outcome"].as_str()) {
                    ("batch", _) => others("steps"),
                    (_, Some("done")) => 1 + others("also"),
                    _ => 0,
                };
            }
            _ => {}
        }
    }
    let by_id: BTreeMap<i64, &Run> = runs.iter().map(|run| (run.id, run)).collect();
    for (id, said) in &said {
        match by_id.get(id) {
            None => found.push(format!("run {id} of entry {} is not in trueup.run", said.entry)),
            Some(run) if !said.is(run) => {
                found.push(format!(
                    "run {id} in the journal's tables is not what entry {} and those after it say",
                    said.entry
                ));
            }
            Some(_) => {}
        }
    }
    let before = entries.iter().find(|entry| entry.kind == "before");
    let known = before.and_then(|entry| entry.body["runs"].as_array()).into_iter().flatten();
    let known: BTreeSet<i64> = known.filter_map(|run| run["id"].as_i64()).collect();
    let unknown = runs.iter().filter(|run| !said.contains_key(&run.id) && !known.contains(&run.id));
    found.extend(unknown.map(|run| format!("run {} in trueup.run has no entry", run.id)));
    found
}

/// What the chain says of one run.
#[derive(Default)]
struct Said {
    entry: i64,
    /// Plan, name, phase, direction, backup, who broke the glass, what ran it.
    fields: [Option<String>; 7],
    role: String,
    approvers: BTreeSet<String>,
    /// Outcome and remark.
    end: Option<[Option<String>; 2]>,
    steps: usize,
}

impl Said {
    fn is(&self, run: &Run) -> bool {
        let fields = [
            Some(run.plan.clone()),
            Some(run.name.clone()),
            Some(run.phase.label().to_owned()),
            Some(run.direction.label().to_owned()),
            run.backup.clone(),
            run.glass.clone(),
            Some(run.tool.clone()),
        ];
        let outcome = run.outcome.map(|outcome| outcome.label().to_owned());
        self.fields == fields
            && self.role == run.role
            && self.approvers.iter().eq(run.approvers.iter().collect::<BTreeSet<_>>())
            && self.end.clone().unwrap_or_default() == [outcome, run.remark.clone()]
            && i64::try_from(self.steps) == Ok(run.steps)
    }
}
