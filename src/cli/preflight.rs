//! `trueup preflight`

use std::path::PathBuf;

use trueup::{
    apply::{
        Options,
        preflight::{self, Check, Verdict},
    },
    journal::Direction,
    report::{markdown::plain, text::Paint},
    visible::visible_line,
};

use super::{
    Format,
    apply::which,
    approve::Phases,
    context::Context,
    exit::{CliError, Exit},
    loaded::Loaded,
    output,
};

/// Looks at everything that an apply or a rollback would look at, and changes nothing: the connection, the server, approvals,
/// privileges, the catalog, the data, other sessions, replication, connections, the disk.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  trueup preflight plans/20261120-tier --env production")]
pub struct Arguments {
    /// The plan's folder, its plan.toml, or its name
    plan: PathBuf,
    /// The phase that is to be applied; without it expand, as `apply` has it
    #[arg(long, value_enum)]
    phase: Option<Phases>,
    /// Look at what a rollback would look at
    #[arg(long)]
    rollback: bool,
}

pub async fn run(context: &Context, arguments: &Arguments) -> Result<Exit, CliError> {
    let loaded = Loaded::new(context, context.plan(&arguments.plan)?)?;
    let options = Options { which: which(arguments.phase), ..loaded.to_look(context)? };
    let direction = if arguments.rollback { Direction::Rollback } else { Direction::Apply };
    let plan = &loaded.plan;
    let mut checks = preflight::preflight(&options, direction).await?;
    for check in &mut checks {
        check.next = check.next.as_deref().map(|next| context.completed(next));
    }
    let worst = checks.iter().map(|check| check.verdict).max().unwrap_or(Verdict::Pass);
    match context.format() {
        Format::Json => output::json(&serde_json::json!({
            "plan": plan.plan.name, "digest": plan.digest, "verdict": worst, "checks": checks,
        })),
        Format::Markdown => output::result(&markdown(&checks)),
        Format::Text | Format::Sql => output::result(&text(&checks)),
    }
    Ok(if worst == Verdict::Fail { Exit::Refused } else { Exit::Done })
}

fn text(checks: &[Check]) -> String {
    let width = checks.iter().map(|check| check.name.len()).max().unwrap_or_default();
    let paint = Paint(output::colour());
    let mut lines = Vec::new();
    for Check { name, verdict, what, next } in checks {
        let label = match verdict {
            Verdict::Pass => paint.green(verdict.label()),
            Verdict::Warn => paint.yellow(verdict.label()),
            Verdict::Fail => paint.red(verdict.label()),
        };
        lines.push(format!("{label}  {name:<width$}  {}", visible_line(what)));
        lines.extend(next.as_ref().map(|next| format!("      {:<width$}  {}", "", visible_line(next))));
    }
    lines.join("\n")
}

fn markdown(checks: &[Check]) -> String {
    let mut lines = vec!["| | check | found | to do |".to_owned(), "| --- | --- | --- | --- |".to_owned()];
    for Check { name, verdict, what, next } in checks {
        let next = next.as_deref().map(plain).unwrap_or_default();
        lines.push(format!("| {} | {name} | {} | {next} |", verdict.label(), plain(what)));
    }
    lines.join("\n")
}
