//! `trueup audit`

use std::time::Duration;

use trueup::{apply::audit::audit, journal};

use super::{
    Format,
    context::Context,
    exit::{CliError, Exit},
    output,
};

/// Has the database write down who changes its schema, by event triggers, so that `status` can say who it was when the
/// database has drifted. Needs a superuser, as event triggers do.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
What is written down is in trueup.ddl_event: when, which role, from where, which command on which object; never its text.

Example:
  trueup audit --env production")]
pub struct Arguments {
    /// Say whether it is written down, and change nothing
    #[arg(long, conflicts_with = "remove")]
    show: bool,
    /// Write nothing down any more, and forget what was
    #[arg(long)]
    remove: bool,
    /// Seconds to wait for another trueup in the same database
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    wait: u64,
}

pub async fn run(context: &Context, arguments: &Arguments) -> Result<Exit, CliError> {
    let (on, changed) = if arguments.show {
        let session = context.connect().await?;
        (journal::is_audited(&session).await?, false)
    } else {
        let wait = Duration::from_secs(arguments.wait);
        (!arguments.remove, audit(&context.target()?, !arguments.remove, wait).await?)
    };
    if context.format() == Format::Json {
        output::json(&serde_json::json!({ "audited": on, "changed": changed }));
        return Ok(Exit::Done);
    }
    let from_now_on = if changed { " from now on" } else { "" };
    let not = if on { "" } else { " not" };
    output::result(&format!("who changes the schema is{not} written down{from_now_on}"));
    Ok(Exit::Done)
}
