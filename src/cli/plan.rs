//! `trueup plan`

use super::{
    context::Context,
    exit::{CliError, Exit},
};

/// Writes a rehearsed plan.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  trueup plan --schema schema/ --url postgres://app@db.example/shop")]
pub struct Arguments {}

#[expect(clippy::unused_async)]
pub async fn run(_: &Context, _: &Arguments) -> Result<Exit, CliError> {
    Err(CliError::new("`trueup plan` is not built yet"))
}
