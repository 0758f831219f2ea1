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
    assumptions: Vec<Here<'p>>,
}

/// The table of an assumption, as it is here.
struct Here<'p> {
    assumption: &'p Assumption,
    /// What it is called now.
    table: &'p str,
    size: Size,
    has_rows: bool,
}

impl Looked<'_> {
    /// What does not hold.
    pub fn broken(&self) -> Vec<String> {
        let broken = self.assumptions.iter();
        broken.filter_map(|it| it.assumption.broken_by(it.table, it.size, it.has_rows)).collect()
    }

    /// How big they are.
    pub fn sizes(&self) -> String {
        let tables: BTreeMap<&str, Size> = self.assumptions.iter().map(|it| (it.table, it.size)).collect();
        let said: Vec<String> =
            tables.into_iter().map(|(table, size)| format!("{table}: {}", facts::said(size))).collect();
        if said.is_empty() { "none".to_owned() } else { said.join(", ") }
    }
}

/// Looks at those of the steps that are left. A table that is not there is the concern of staleness.
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
    let begun = !done.is_empty();
    let names: Vec<&str> = asked.iter().flat_map(|it| it.names(begun)).collect();
    let here = facts::observe_these(session, &names).await?;
    let mut assumptions = Vec::new();
    for assumption in asked {
        let mut sizes = assumption.names(begun).filter_map(|name| Some((name, *here.relations.get(name)?)));
        let Some((table, size)) = sizes.next() else { continue };
        let has_rows = !assumption.empty || run::has_rows(session, table).await.map_err(failed)?;
        assumptions.push(Here { assumption, table, size, has_rows });
    }
    Ok(Looked { assumptions })
}
