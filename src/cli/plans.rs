//! `trueup plans`

use trueup::{
    apply::roster::{Entry, PlanState, Roster},
    report::{markdown::plain, text::Paint},
    step::Phase,
    visible::visible_line,
};

use super::{
    Format,
    context::Context,
    exit::{CliError, Exit},
    output,
};

/// Lists the plans of the project as one database sees them: applied, waiting, and in which order, superseded, another
/// environment's, abandoned.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  trueup plans --env production")]
pub struct Arguments {}

pub async fn run(context: &Context, _: &Arguments) -> Result<Exit, CliError> {
    let plans = context.plans()?;
    let session = context.connect().await?;
    let roster = Roster::read(&session, &plans, &context.shaping()?).await?;
    session.close().await;
    if context.format() == Format::Json {
        let plans = roster.entries.iter().map(|entry| {
            let plan = &entry.plan.plan;
            serde_json::json!({
                "plan": plan.name, "folder": output::short_path(&entry.plan.dir), "digest": entry.plan.digest,
                "made": plan.created, "state": entry.plan_state.label(), "why": why(entry), "next": next(context, entry),
            })
        });
        let plans: Vec<_> = plans.collect();
        output::json(&serde_json::json!({ "plans": plans }));
        return Ok(Exit::Done);
    }
    if roster.entries.is_empty() {
        output::words(
            context.format(),
            &format!("no plan is in {}", output::short_path(&context.config.plans_dir())),
        );
        return Ok(Exit::Done);
    }
    if context.format() == Format::Markdown {
        let mut page = "| plan | made | state | | next |\n| --- | --- | --- | --- | --- |\n".to_owned();
        for entry in &roster.entries {
            let cells = [
                output::short_path(&entry.plan.dir),
                made(entry),
                entry.plan_state.label().to_owned(),
                why(entry),
            ];
            let next = next(context, entry).map(|next| plain(&next)).unwrap_or_default();
            page += &format!("| {} | {next} |\n", cells.map(|cell| plain(&cell)).join(" | "));
        }
        output::result(page.trim_end());
        return Ok(Exit::Done);
    }
    let paint = Paint(output::colour());
    let folder = |entry: &Entry<'_>| output::short_path(&entry.plan.dir);
    let width = roster.entries.iter().map(|entry| folder(entry).len()).max().unwrap_or_default();
    let lines = roster.entries.iter().map(|entry| {
        let label = entry.plan_state.label();
        let padded = format!("{label:<21}");
        let label = match entry.plan_state {
            PlanState::Stopped { .. } | PlanState::Stale(_) => paint.red(&padded),
            PlanState::Between { .. } | PlanState::Waiting | PlanState::Behind(_) => paint.yellow(&padded),
            _ => padded,
        };
        let line =
            format!("{:<width$}  {}  {label}  {}", folder(entry), made(entry), visible_line(&why(entry)));
        let next =
            next(context, entry).map(|next| format!("\n{:<width$}  next: {next}", "")).unwrap_or_default();
        format!("{}{next}", line.trim_end())
    });
    output::result(&lines.collect::<Vec<_>>().join("\n"));
    Ok(Exit::Done)
}

fn made(entry: &Entry<'_>) -> String {
    entry.plan.plan.created.strftime("%Y-%m-%d %H:%M").to_string()
}

/// What is behind a state, in a few words.
pub fn why(entry: &Entry<'_>) -> String {
    match &entry.plan_state {
        PlanState::Between { done, next } => format!("{} is done, {} remains", done.label(), next.label()),
        PlanState::Stopped { phase, back } => {
            let way = if *back { " on the way back" } else { "" };
            let (done, all) = (entry.state.done.len(), entry.plan.plan.steps.len());
            format!("in {}{way}, {done} of {all} steps done", phase.label())
        }
        PlanState::Behind(other) => format!("for contract of {other}"),
        PlanState::Reached => "what it would make is there".to_owned(),
        PlanState::Superseded => "later plans changed what it would change".to_owned(),
        PlanState::Elsewhere(refusal) => refusal.to_string(),
        PlanState::Stale(differences) => trueup::apply::in_short(differences),
        PlanState::Applied | PlanState::RolledBack | PlanState::Abandoned | PlanState::Waiting => {
            String::new()
        }
    }
}

/// The command that comes next for a plan, if one does.
pub fn next(context: &Context, entry: &Entry<'_>) -> Option<String> {
    let (dir, env) = (output::typed_path(&entry.plan.dir), context.env_flag());
    let has_expand = entry.plan.plan.phases().contains(&Phase::Expand);
    match &entry.plan_state {
        PlanState::Between { next, .. } => Some(format!("trueup apply {dir}{env} --phase {}", next.label())),
        PlanState::Stopped { phase, back: true } => {
            Some(format!("trueup rollback {dir}{env} --phase {}", phase.label()))
        }
        PlanState::Stopped { phase, back: false } => {
            let phase = phase.label();
            Some(format!(
                "trueup apply {dir}{env} --phase {phase}, or trueup rollback {dir}{env} --phase {phase}"
            ))
        }
        PlanState::Waiting if has_expand => Some(format!("trueup apply {dir}{env}")),
        PlanState::Waiting => Some(format!("trueup apply {dir}{env} --phase contract")),
        PlanState::Reached => Some(format!("trueup adopt {dir}{env}")),
        _ => None,
    }
}
