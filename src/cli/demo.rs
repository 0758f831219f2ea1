//! `trueup demo`

use super::{
    context::Context,
    exit::{CliError, Exit},
};

/// The whole story on a throwaway server.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  trueup demo")]
pub struct Arguments {}

#[expect(clippy::unused_async)]
pub async fn run(_: &Context, _: &Arguments) -> Result<Exit, CliError> {
    Err(CliError::new("`trueup demo` is not built yet"))
}
