//! `trueup ready`

use std::path::PathBuf;

use trueup::{
    apply::roster::{Entry, PlanState, Roster},
    plan::{PlannedStep, compatibility},
    report::markdown::code,
    step::numbered,
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
        PlanState::Applied | PlanState::Abandoned | PlanState::Reached | PlanState::Superseded => {
            return None;
        }
        PlanState::Elsewhere(_) => {
            return Some(format!(
                "{name} is another environment's, and its end is not here: plan for this one"
            ));
        }
        PlanState::Stale(_) => return Some(format!("{name} is stale, and has not run: plan again")),
        PlanState::Between { .. }
        | PlanState::Stopped { .. }
        | PlanState::RolledBack
        | PlanState::Waiting
        | PlanState::Behind(_) => {}
    }
    let waits = compatibility::awaited(&entry.plan.plan, |step| !is_done(entry, step));
    (!waits.is_empty()).then(|| format!("{} of {name} {} not run", numbered(&waits), have(&waits)))
}

/// Why code for the schema before a plan does not work any more.
fn old_code(entry: &Entry<'_>, is_last: bool) -> Option<String> {
    let name = &entry.plan.plan.name;
    if !entry.plan_state.is_open() && !is_last {
        return None;
    }
    let broken = compatibility::broken(&entry.plan.plan, |step| is_done(entry, step));
    (!broken.is_empty()).then(|| format!("{} of {name} {} run", numbered(&broken), have(&broken)))
}

/// Whether a step is done.
fn is_done(entry: &Entry<'_>, step: &PlannedStep) -> bool {
    match entry.plan_state {
        PlanState::Applied => true,
        PlanState::Between { done, .. } => step.phase <= done,
        PlanState::Stopped { .. } => entry.state.done.contains(&step.id),
        _ => false,
    }
}

fn have(steps: &[u32]) -> &'static str {
    if steps.len() == 1 { "has" } else { "have" }
}
