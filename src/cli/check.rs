//! `trueup check`

use trueup::{
    config::Shaping,
    hazard::Level,
    planning::check::{self, Finding},
    report::{text::Paint, version},
    visible::visible_line,
};

use super::{
    Format,
    base::Base,
    context::Context,
    desired::read_desired,
    exit::{CliError, Exit},
    output,
};

/// Looks whether the desired schema is good, without any database: it loads, its annotations are understood, and what a careful
/// reader would remark is said.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
It is loaded on a throwaway server. Errors end with code 1; remarks do not, unless --exit-code asks for that.

Example:
  trueup check --schema schema/")]
pub struct Arguments {
    /// The major version of PostgreSQL; else the newest that is here
    #[arg(long, value_name = "N")]
    major: Option<u16>,
    /// End with code 2 when there is a warning
    #[arg(long)]
    exit_code: bool,
}

pub async fn run(context: &Context, arguments: &Arguments) -> Result<Exit, CliError> {
    let desired = read_desired(context)?;
    if desired.statements.is_empty() {
        return Err(CliError::new("there is no statement in the schema"));
    }
    let base = Base::of_desired(context, &desired, String::new(), arguments.major).await?;
    let found = check::look(base.session(), &desired, &shapings(context)?).await;
    let version = version(base.session().server_version_num());
    base.close().await?;
    let findings = found.map_err(|error| CliError::new(error.to_string()))?;
    let notes = desired.notes.iter().map(|note| format!("{}: {}", note.at, note.message));
    let notes: Vec<String> = notes.collect();
    let warned = findings.iter().any(|finding| finding.level >= Level::Warning);
    if context.format() == Format::Json {
        output::json(&serde_json::json!({
            "ok": !warned, "postgresql": version, "findings": findings, "notes": notes,
        }));
    } else {
        for note in notes.iter().filter(|_| !context.quiet()) {
            output::note(&format!("note: {}", visible_line(note)));
        }
        output::words(context.format(), &in_words(context, &findings, &version));
    }
    Ok(if arguments.exit_code && warned { Exit::Pending } else { Exit::Done })
}

/// What of the environments is asked for values: the one of --env, else all.
fn shapings(context: &Context) -> Result<Vec<Shaping>, CliError> {
    if context.global.env.is_some() || context.config.env.is_empty() {
        return Ok(vec![context.shaping()?]);
    }
    let all = context.config.env.keys().map(|name| context.config.shaping(Some(name)));
    Ok(all.collect::<Result<_, _>>()?)
}

fn in_words(context: &Context, findings: &[Finding], version: &str) -> String {
    let paint = Paint(context.format() == Format::Text && output::colour());
    let mut lines: Vec<String> = Vec::new();
    for Finding { level, code, message, advice } in findings {
        let label = match level {
            Level::Danger => paint.red(level.label()),
            Level::Warning => paint.yellow(level.label()),
            Level::Notice => level.label().to_owned(),
        };
        let code = code.map(|code| format!(" {code}")).unwrap_or_default();
        lines.push(format!("{label}{code}: {}", visible_line(message)));
        lines.push(format!("  {}", paint.dim(&visible_line(advice))));
    }
    lines.push(format!("the schema loads on PostgreSQL {}", visible_line(version)));
    lines.join("\n")
}
