//! `trueup show`

use std::path::PathBuf;

use trueup::report;

use super::{
    Format,
    context::Context,
    exit::{CliError, Exit},
    output,
};

/// Prints a plan for review.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  trueup show plans/20261120-tier --format markdown")]
pub struct Arguments {
    /// The plan's folder, its plan.toml, or its name
    plan: PathBuf,
}

pub fn run(context: &Context, arguments: &Arguments) -> Result<Exit, CliError> {
    let opened = context.plan(&arguments.plan)?;
    let format = match context.format() {
        Format::Text => report::Format::Text,
        Format::Markdown => report::Format::Markdown,
        Format::Json => report::Format::Json,
        Format::Sql => report::Format::Sql,
    };
    output::result(&report::render(&opened.plan, &opened.digest, format, output::colour()));
    Ok(Exit::Done)
}
