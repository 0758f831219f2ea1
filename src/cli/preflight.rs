//! `trueup preflight`

use std::{path::PathBuf, time::Duration};

use jiff::Timestamp;
use trueup::{
    apply::{
        Consent, Options,
        hooks::Hooks,
        preflight::{self, Check, Verdict},
    },
    approval,
    report::{markdown::plain, text::Paint},
    run::{Retry, StopHandle},
    visible::visible_line,
};

use super::{
    Format,
    apply::which,
    approve::Phases,
    context::Context,
    exit::{CliError, Exit},
    output,
};

/// Looks at everything that an apply would look at, and changes nothing: the connection, the server, approvals, the
/// catalog, the data, other sessions, replication, connections, the disk.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  trueup preflight plans/20261120-tier --env production")]
pub struct Arguments {
    /// The plan's folder, its plan.toml, or its name
    plan: PathBuf,
    /// The phase that is to be applied; without it the next one
    #[arg(long, value_enum)]
    phase: Option<Phases>,
}

pub async fn run(context: &Context, arguments: &Arguments) -> Result<Exit, CliError> {
    let plan = context.plan(&arguments.plan)?;
    let (target, policy) = (context.target()?, context.policy()?);
    let approvals = approval::read_checked(&plan, &policy, Timestamp::now())?;
    let secrets = context.secrets()?;
    let options = Options {
        plan: &plan,
        target: &target,
        which: which(arguments.phase),
        approvals: &approvals,
        policy: &policy,
        after: &context.after()?,
        shaping: &context.shaping()?,
        quiet: context.quiet_time()?,
        now: Timestamp::now(),
        wait: Duration::ZERO,
        limits: context.limits()?,
        hooks: Hooks::default(),
        retry: Retry::default(),
        secrets: &secrets,
        consent: Consent::Ask,
        note: None,
        old_names_accepted: false,
        stop: StopHandle::new().1,
        dry_run: true,
        tool: env!("CARGO_PKG_VERSION"),
    };
    let checks = preflight::preflight(&options).await?;
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
