//! `trueup rollback`

use trueup::journal::Direction;

use super::{
    apply::{How, OnFailure, go, which},
    approve::Phases,
    context::Context,
    exit::{CliError, Exit},
};

/// Undoes what was applied of a plan, last step first, and proves that the database is what it was.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  trueup rollback plans/20261120-tier --env production")]
pub struct Arguments {
    #[command(flatten)]
    how: How,
    /// Which phase; without it everything that ran
    #[arg(long, value_enum)]
    phase: Option<Phases>,
}

pub async fn run(context: &Context, arguments: &Arguments) -> Result<Exit, CliError> {
    go(context, &arguments.how, which(arguments.phase), Direction::Rollback, OnFailure::Stop).await
}
