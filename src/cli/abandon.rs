//! `trueup abandon`

use std::{path::PathBuf, time::Duration};

use trueup::{
    apply::{
        abandon::{self, Left, Options, Outcome},
        standing_words,
    },
    plan::PlannedStep,
    visible::visible_line,
};

use super::{
    Format,
    context::Context,
    exit::{CliError, Exit},
    output,
};

/// Ends a plan between its phases, or where it stopped, without finishing it. What it did stays; nothing of the schema is
/// changed. It can neither be applied nor rolled back afterwards, and the next plan takes the database as it is.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
`rollback` goes back instead, and proves that the database is what it was.

Example:
  trueup abandon plans/20261120-tier --env production --reason \"the feature was withdrawn\"")]
pub struct Arguments {
    /// The plan's folder, its plan.toml, or its name
    plan: PathBuf,
    /// What the journal says of why
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Seconds to wait for another trueup in the same database
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    wait: u64,
}

pub async fn run(context: &Context, arguments: &Arguments) -> Result<Exit, CliError> {
    let plan = context.plan_or_kept(&arguments.plan).await?;
    let target = context.target()?;
    let options = Options {
        plan: &plan,
        target: &target,
        reason: arguments.reason.as_deref(),
        wait: Duration::from_secs(arguments.wait),
        tool: env!("CARGO_PKG_VERSION"),
    };
    let outcome = abandon::abandon(&options).await?;
    let (name, digest) = (&plan.plan.name, plan.digest.as_str());
    if context.format() == Format::Json {
        let mut value = match &outcome {
            Outcome::Nothing(position) => {
                serde_json::json!({ "outcome": "nothing", "standing": standing_words(*position) })
            }
            Outcome::Abandoned(Left { position, stay, never, in_doubt }) => serde_json::json!({
                "outcome": "abandoned", "standing": standing_words(*position),
                "stay": steps(stay), "never": steps(never), "in_doubt": in_doubt,
            }),
        };
        value["plan"] = name.as_str().into();
        value["digest"] = digest.into();
        output::json(&value);
        return Ok(Exit::Done);
    }
    let name = visible_line(name);
    let words = match &outcome {
        Outcome::Nothing(position) => format!("{name}: nothing to abandon; {}", standing_words(*position)),
        Outcome::Abandoned(left) => format!("{name}: abandoned; {}", context.completed(&in_words(left))),
    };
    output::words(context.format(), &words);
    Ok(Exit::Done)
}

fn in_words(left: &Left<'_>) -> String {
    let Left { position, stay, never, in_doubt } = left;
    let mut lines = vec![standing_words(*position)];
    for (word, steps) in [("stays", stay), ("is not done", never)] {
        lines.extend(
            shown(steps).map(|step| format!("  {word:<11}  {} {}", step.id, visible_line(&step.summary))),
        );
    }
    lines.extend(in_doubt.iter().map(|step| format!("  in doubt     {step}: look at its object")));
    lines.push("`trueup plan` makes a plan from here".to_owned());
    lines.join("\n")
}

/// Those that do something on the way there.
fn shown<'a>(steps: &'a [&PlannedStep]) -> impl Iterator<Item = &'a PlannedStep> {
    steps.iter().copied().filter(|step| !step.sql.is_empty())
}

fn steps(steps: &[&PlannedStep]) -> Vec<serde_json::Value> {
    shown(steps).map(|step| serde_json::json!({ "step": step.id, "summary": step.summary })).collect()
}
