//! `trueup history --steps`: what each step of a run was, and how long it took.

use std::collections::BTreeMap;

use serde::Serialize;
use trueup::{
    journal::{self, Run, StepRun},
    plan::Plan,
    postgres::Session,
    visible::visible_line,
};

use super::super::exit::CliError;

/// A step of a run, with what its plan says that it is.
#[derive(Debug, Serialize)]
pub struct Told {
    #[serde(flatten)]
    step: StepRun,
    summary: Option<String>,
    seconds: Option<f64>,
}

impl Told {
    /// In one line.
    pub fn line(&self) -> String {
        let Self { step, summary, seconds } = self;
        let took = match (step.done, seconds) {
            (true, Some(seconds)) => format!("{seconds:.3} s"),
            (false, Some(seconds)) => format!("not done after {seconds:.3} s"),
            (_, None) => "in doubt".to_owned(),
        };
        let summary = summary.as_deref().map(|summary| format!("  {summary}")).unwrap_or_default();
        visible_line(&format!("step {:<4} {took:>10}{summary}", step.step)).into_owned()
    }
}

/// The steps of all runs, and the plans that they are of.
pub struct Steps {
    by_run: BTreeMap<i64, Vec<StepRun>>,
    plans: BTreeMap<String, Plan>,
}

/// Reads them.
pub async fn read(session: &Session) -> Result<Steps, CliError> {
    let mut by_run: BTreeMap<i64, Vec<StepRun>> = BTreeMap::new();
    for step in journal::steps(session, None).await? {
        by_run.entry(step.run).or_default().push(step);
    }
    Ok(Steps { by_run, plans: journal::kept_plans(session).await? })
}

impl Steps {
    /// Those of one run.
    pub fn take(&mut self, run: &Run) -> Vec<Told> {
        let plan = self.plans.get(&run.plan);
        let summary = |step: &StepRun| {
            let planned = plan?.steps.iter().find(|planned| planned.id == step.step)?;
            Some(planned.summary.clone())
        };
        let told = |step: StepRun| Told {
            summary: summary(&step),
            seconds: step.took().map(|took| took.as_secs_f64()),
            step,
        };
        self.by_run.remove(&run.id).unwrap_or_default().into_iter().map(told).collect()
    }
}
