//! `trueup ready`

use std::path::PathBuf;

use trueup::{
    apply::roster::{Entry, PlanState, Roster},
    hazard::{Level, Side},
    report::markdown::code,
    step::Phase,
    visible::visible_line,
};

use super::{
    Format,
    context::Context,
    exit::{CliError, Exit},
    output,
};

/// Says whether code may be rolled out now: 0, or 3 with the reason. The gate before a deploy, and before code is rolled back.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
New code is what was written for the schema after all plans of the project; old code what was written for the schema before
the plans that are not at their end, and before the one that was applied last.

Example:
  trueup ready --code new --env production")]
pub struct Arguments {
    /// Which code
    #[arg(long, value_enum)]
    code: Code,
    /// Ask for this plan only: its folder, its plan.toml, or its name
    plan: Option<PathBuf>,
}

/// What was written for which schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum, serde::Serialize)]
#[serde(rename_all = "lowercase")]
enum Code {
    /// For the schema before
    Old,
    /// For the schema after
    New,
}

impl Code {
    fn label(self) -> &'static str {
        match self {
            Self::Old => "old code",
            Self::New => "new code",
        }
    }
}

pub async fn run(context: &Context, arguments: &Arguments) -> Result<Exit, CliError> {
    let plans = match &arguments.plan {
        Some(named) => vec![context.plan(named)?],
        None => context.plans()?,
    };
    let session = context.connect().await?;
    let roster = Roster::read(&session, &plans, &context.shaping()?).await?;
    session.close().await;
    let last = roster.last_applied().map(|entry| &entry.plan.digest);
    let reasons: Vec<String> = roster
        .entries
        .iter()
        .filter_map(|entry| match arguments.code {
            Code::New => new_code(entry),
            Code::Old => old_code(entry, last == Some(&entry.plan.digest)),
        })
        .collect();
    let ready = reasons.is_empty();
    let code_label = arguments.code.label();
    match context.format() {
        Format::Json => output::json(&serde_json::json!({
            "code": arguments.code, "ready": ready, "reasons": reasons,
        })),
        Format::Markdown => {
            let mut page = format!("**{}**: {code_label}\n", if ready { "ready" } else { "not ready" });
            page.extend(reasons.iter().map(|reason| format!("\n- {}", code(reason))));
            output::result(&page);
        }
        Format::Text | Format::Sql if ready => output::result(&format!("ready: {code_label} works")),
        Format::Text | Format::Sql => {
            let lines = reasons
                .iter()
                .map(|reason| format!("not ready: {code_label} fails: {}", visible_line(reason)));
            output::result(&lines.collect::<Vec<_>>().join("\n"));
        }
    }
    Ok(if ready { Exit::Done } else { Exit::Refused })
}

/// Why code for the schema after a plan does not work yet.
fn new_code(entry: &Entry<'_>) -> Option<String> {
    let name = &entry.plan.plan.name;
    match &entry.plan_state {
        PlanState::Applied
        | PlanState::Abandoned
        | PlanState::Reached
        | PlanState::Superseded
        | PlanState::Elsewhere(_) => {
            return None;
        }
        PlanState::Stale(_) => return Some(format!("{name} is stale, and has not run: plan again")),
        PlanState::Between { .. }
        | PlanState::Stopped { .. }
        | PlanState::RolledBack
        | PlanState::Waiting
        | PlanState::Behind(_) => {}
    }
    let done = done(entry);
    // what only contract brings is none of new code's before it
    let waits = steps(entry, Side::NewCode, Level::Notice, |step| !done(step));
    (!waits.is_empty()).then(|| format!("{} of {name} {} not run", listed(&waits), have(&waits)))
}

/// Why code for the schema before a plan does not work any more.
fn old_code(entry: &Entry<'_>, is_last: bool) -> Option<String> {
    let name = &entry.plan.plan.name;
    if !entry.plan_state.is_open() && !is_last {
        return None;
    }
    let done = done(entry);
    let broken = steps(entry, Side::OldCode, Level::Danger, done);
    (!broken.is_empty()).then(|| format!("{} of {name} {} run", listed(&broken), have(&broken)))
}

/// Whether a step is done.
fn done<'e>(entry: &'e Entry<'_>) -> impl Fn(u32) -> bool + 'e {
    let phase_of = |step: u32| entry.plan.plan.steps.iter().find(|it| it.id == step).map(|it| it.phase);
    move |step| match entry.plan_state {
        PlanState::Applied => true,
        PlanState::Between { done, .. } => phase_of(step).is_some_and(|phase: Phase| phase <= done),
        PlanState::Stopped { .. } => entry.state.done.contains(&step),
        _ => false,
    }
}

fn steps(entry: &Entry<'_>, side: Side, least: Level, which: impl Fn(u32) -> bool) -> Vec<u32> {
    let of_side = |hazard: &trueup::hazard::Hazard| hazard.side() == Some(side) && hazard.level >= least;
    let steps =
        entry.plan.plan.steps.iter().filter(|step| which(step.id) && step.hazards.iter().any(of_side));
    steps.map(|step| step.id).collect()
}

fn listed(steps: &[u32]) -> String {
    let numbers = steps.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
    if steps.len() == 1 { format!("step {numbers}") } else { format!("steps {numbers}") }
}

fn have(steps: &[u32]) -> &'static str {
    if steps.len() == 1 { "has" } else { "have" }
}
