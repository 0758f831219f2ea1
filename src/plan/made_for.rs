//! What a plan was made for: the environment, and what of it shaped the plan.
//!
//! A plan may go from one environment to the next as it is, under one digest: that is what makes its proof in staging worth
//! something in production. Where the next one gives another value for a name that the plan has in it, or would have made
//! the same change in another way, it is not the plan that would be made there, and it is refused.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::Plan;
use crate::config::{BackfillTriggers, Renames, Shaping};

/// What a plan was made for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MadeFor {
    /// The environment's name. None: the plan was made without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// How renames are made, where the plan has some whose annotation does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renames: Option<Renames>,
    /// The values that the plan has in it, by their names.
    #[serde(default, rename = "value", skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<String, Given>,
}

/// What a name stood for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Given {
    /// Its value.
    pub is: String,
    /// Where that went: the columns whose annotations name it, the places in the desired SQL.
    #[serde(rename = "in")]
    pub places: BTreeSet<String>,
}

impl MadeFor {
    /// What of an environment shaped a plan. `used`: the names whose values it has, and where; `renames`: whether it has
    /// renames that are made as the environment says. None: nothing.
    pub fn of(shaping: &Shaping, used: BTreeMap<String, BTreeSet<String>>, renames: bool) -> Option<Self> {
        let given = |(name, places): (String, _)| {
            let is = shaping.values.get(&name)?.clone();
            Some((name, Given { is, places }))
        };
        let made_for = Self {
            environment: shaping.environment.clone(),
            renames: renames.then_some(shaping.renames),
            values: used.into_iter().filter_map(given).collect(),
        };
        (made_for != Self::default()).then_some(made_for)
    }

    /// In a few words: `dev, where ${owner} is 'placeholder'`.
    pub fn in_words(&self) -> String {
        let mut words = self.environment.clone().unwrap_or_else(|| "no environment".to_owned());
        for (at, (name, given)) in self.values.iter().enumerate() {
            let joint = if at == 0 { "where" } else { "and" };
            words += &format!(", {joint} ${{{name}}} is '{}'", given.is);
        }
        words
    }
}

impl Plan {
    /// In what an environment would have shaped the plan otherwise, each in a few words.
    pub fn shaped_otherwise(&self, here: &Shaping) -> Vec<String> {
        let mut differences = Vec::new();
        let made_for = self.made_for.as_ref();
        for (name, Given { is, .. }) in made_for.map(|it| &it.values).into_iter().flatten() {
            match here.values.get(name) {
                Some(value) if value == is => {}
                Some(value) => differences.push(format!("${{{name}}} is '{is}' there and '{value}' here")),
                None => differences.push(format!("${{{name}}} is '{is}' there and has no value here")),
            }
        }
        if let Some(there) = made_for.and_then(|it| it.renames).filter(|there| *there != here.renames) {
            let [there, here] = [there, here.renames].map(Renames::label);
            differences.push(format!("renames are {there} there and {here} here"));
        }
        let skips = here.backfill_triggers == BackfillTriggers::Skip;
        let mut fills = self.steps.iter().flat_map(|step| [&step.operation, &step.undo.operation]);
        if fills.any(|operation| operation.backfill().is_some_and(|fill| fill.skip_triggers != skips)) {
            let [there, here] = [!skips, skips].map(|skips| if skips { "skipped" } else { "fired" });
            differences.push(format!("triggers are {there} for backfills there and {here} here"));
        }
        differences
    }
}
