//! `trueup audit`

use std::time::Duration;

use trueup::{
    apply::audit::audit,
    journal::{self, Audited},
};

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
    let (audited, changed) = if arguments.show {
        let session = context.connect().await?;
        (journal::is_audited(&session).await?, false)
    } else {
        let wait = Duration::from_secs(arguments.wait);
        let changed = audit(&context.target()?, !arguments.remove, wait).await?;
        (if arguments.remove { Audited::No } else { Audited::Yes }, changed)
    };
    let on = audited == Audited::Yes;
    if context.format() == Format::Json {
        output::json(&serde_json::json!({ "audited": on, "changed": changed }));
        return Ok(Exit::Done);
    }
    let from_now_on = if changed { " from now on" } else { "" };
    let how = match audited {
        Audited::Yes => "is",
        Audited::Partly => "is not always",
        Audited::No => "is not",
    };
    output::result(&format!("who changes the schema {how} written down{from_now_on}"));
    if audited == Audited::Partly {
        output::note("hint: `trueup audit` makes its event triggers again, and keeps what was written down");
    }
    Ok(Exit::Done)
}
