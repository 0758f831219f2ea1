//! Whether what a plan assumes of tables holds where it is to be applied.

use std::collections::{BTreeMap, BTreeSet};

use super::ApplyError;
use crate::{
    facts::{self, Size},
    plan::{Assumption, Plan},
    postgres::Session,
    run,
    step::Phase,
};

/// The tables of which something is assumed by these phases, as they are here.
pub(super) struct Looked<'p> {
    assumptions: Vec<(&'p Assumption, Size, bool)>,
}

impl Looked<'_> {
    /// What does not hold.
    pub fn broken(&self) -> Vec<String> {
        let broken = self
            .assumptions
            .iter()
            .filter_map(|(assumption, size, has_rows)| assumption.broken_by(*size, *has_rows));
        broken.collect()
    }

    /// How big they are.
    pub fn sizes(&self) -> String {
        let tables: BTreeMap<&str, Size> =
            self.assumptions.iter().map(|(it, size, _)| (it.table.as_str(), *size)).collect();
        let said: Vec<String> =
            tables.into_iter().map(|(table, size)| format!("{table}: {}", facts::said(size))).collect();
        if said.is_empty() { "none".to_owned() } else { said.join(", ") }
    }
}

/// Looks at those of the steps that are left. A table that is not there (under this name) is the concern of staleness.
pub(super) async fn look<'p>(
    session: &Session,
    plan: &'p Plan,
    phases: &[Phase],
    done: &BTreeSet<u32>,
) -> Result<Looked<'p>, ApplyError> {
    let failed = |source| ApplyError::Query { what: "looking at how big tables are", source };
    let asked: Vec<&Assumption> =
        plan.assumptions.iter().filter(|it| phases.contains(&it.phase) && !done.contains(&it.step)).collect();
    if asked.is_empty() {
        return Ok(Looked { assumptions: Vec::new() });
    }
    let names: Vec<&str> = asked.iter().map(|it| it.table.as_str()).collect();
    let here = facts::observe_these(session, &names).await?;
    let mut assumptions = Vec::new();
    for assumption in asked {
        let Some(size) = here.relations.get(&assumption.table) else { continue };
        let has_rows =
            !assumption.empty || run::has_rows(session, &assumption.table).await.map_err(failed)?;
        assumptions.push((assumption, *size, has_rows));
    }
    Ok(Looked { assumptions })
}
