//! The plan as bytes: `plan.toml`.
//!
//! The same plan gives the same bytes, and a plan's digest is the SHA-256 of them: it is what people approve and
//! what the journal knows a plan by. Reading is strict ([`crate::toml_file`]), and refuses a plan that could not
//! have been written: what a reviewer did not see must not run.

use std::{fmt, path::Path, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{Checkpoints, FORMAT, Plan, PlannedStep, floor, statement};
use crate::{
    catalog::Fingerprint,
    step::{DataCheck, LossCount, OldName},
    toml_file::{self, TomlError},
};

/// What a plan is known by: the SHA-256 of plan.toml in hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Digest(String);

impl Digest {
    /// The digest of a plan file's text.
    pub fn of(text: &str) -> Self {
        Self(Fingerprint::of(text).as_str().to_owned())
    }

    /// All 64 digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first twelve digits: enough for people.
    pub fn short(&self) -> &str {
        self.0.get(..12).unwrap_or(&self.0)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text that is no digest.
#[derive(Debug, thiserror::Error)]
#[error("a plan's digest has 64 hexadecimal digits")]
pub struct NotADigest;

impl FromStr for Digest {
    type Err = NotADigest;

    fn from_str(text: &str) -> Result<Self, NotADigest> {
        let digits = text.len() == 64 && text.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'));
        if digits { Ok(Self(text.to_owned())) } else { Err(NotADigest) }
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A plan that has no bytes.
#[derive(Debug, thiserror::Error)]
#[error("plan \"{name}\" cannot be written as TOML: {source}")]
pub struct Unwritable {
    /// Which plan.
    pub name: String,
    /// What the writer said.
    pub source: toml::ser::Error,
}

/// The text of plan.toml.
pub fn to_text(plan: &Plan) -> Result<String, Unwritable> {
    toml::to_string_pretty(plan).map_err(|source| Unwritable { name: plan.name.clone(), source })
}

/// Reads the text of plan.toml, which came from `file`.
pub fn from_text(file: &Path, text: &str) -> Result<Plan, TomlError> {
    #[derive(Deserialize)]
    struct Head {
        format: u32,
    }
    // what another format's keys mean is not ours to complain about: look at the number first
    if let Ok(Head { format }) = toml::from_str(text)
        && format != FORMAT
    {
        let problem = format!(
            "this plan has format {format}; this version of trueup reads format {FORMAT}: plan again"
        );
        return Err(TomlError::at(file, text, 0, problem));
    }
    let plan: Plan = toml_file::parse(file, text)?;
    match flaw(&plan) {
        None => Ok(plan),
        Some((step, problem)) => {
            let offset = step_offset(text, step);
            Err(TomlError::at(file, text, offset, problem))
        }
    }
}

/// Where the `[[step]]` with this index begins.
fn step_offset(text: &str, index: usize) -> usize {
    text.match_indices("[[step]]").nth(index).map_or(0, |(offset, _)| offset)
}

/// What is wrong with what is asked of the data before a plan runs, and where it names relations.
fn asked(plan: &Plan) -> Option<String> {
    let of_check = |check: &DataCheck| {
        let relation =
            (!statement::is_name(&check.relation)).then(|| format!("`{}` is no name", check.relation));
        let problem = relation.or_else(|| statement::question_flaw(&check.sql, &check.relation))?;
        Some(format!("a data check of {}: {problem}", check.object))
    };
    let of_name = |name: &OldName| {
        let wrong = [&name.writes, &name.last].into_iter().find(|it| !statement::is_own_name(it))?;
        Some(format!("the old name of {}: `{wrong}` is no sequence of trueup's own", name.column))
    };
    let of_count = |count: &LossCount| {
        let relation =
            (!statement::is_name(&count.relation)).then(|| format!("`{}` is no name", count.relation));
        let problem = relation.or_else(|| statement::question_flaw(&count.sql, &count.relation))?;
        Some(format!("a count of what the undo of step {} loses: {problem}", count.step))
    };
    let counts = || plan.loss_counts.iter().find_map(of_count);
    plan.data_checks
        .iter()
        .find_map(of_check)
        .or_else(counts)
        .or_else(|| plan.old_names.iter().find_map(of_name))
}

/// What makes a plan impossible to run as it is numbered, and at which step.
fn flaw(plan: &Plan) -> Option<(usize, String)> {
    let mut previous: Option<&PlannedStep> = None;
    for (index, step) in plan.steps.iter().enumerate() {
        let wrong = |problem: &str| Some((index, format!("step {}: {problem}", step.id)));
        if usize::try_from(step.id) != Ok(index + 1) {
            return wrong(&format!("expected number {}", index + 1));
        }
        if let Some(problem) = step.operation.flaw(&step.sql) {
            return wrong(problem);
        }
        if let Some(problem) = step.undo.operation.flaw(&step.undo.sql) {
            return wrong(&format!("on the way back {problem}"));
        }
        for (way, said, operation) in [
            ("", step.timeouts, &step.operation),
            ("on the way back ", step.undo.timeouts, &step.undo.operation),
        ] {
            if said.is_longer_than(operation.timeouts()) {
                return wrong(&format!("{way}it waits or runs longer than its operation may"));
            }
        }
        if let Some(previous) = previous {
            if step.phase < previous.phase {
                return wrong("expand comes before contract");
            }
            if step.batch < previous.batch {
                return wrong("batches are numbered in the order they run");
            }
            if step.batch == previous.batch {
                if step.phase != previous.phase {
                    return wrong("a batch is in one phase");
                }
                if !step.operation.is_transactional() || !previous.operation.is_transactional() {
                    return wrong("what runs outside a transaction has a batch of its own");
                }
            }
        }
        previous = Some(step);
    }
    if let Some((index, problem)) = statement::flaw(&plan.steps) {
        return Some((index, format!("step {}: {problem}", index + 1)));
    }
    if let Some((index, problem)) = floor::flaw(plan) {
        return Some((index, format!("step {}: {problem}", index + 1)));
    }
    if let Some(problem) = asked(plan) {
        return Some((usize::MAX, problem));
    }
    let checkpoints = Checkpoints::of(&plan.footprint, &plan.phases());
    (checkpoints != plan.checkpoints)
        .then(|| (usize::MAX, "the checkpoints are not those of the footprint: it was edited".to_owned()))
}
