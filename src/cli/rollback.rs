//! `trueup rollback`

use trueup::{
    apply::{Consent, cost},
    journal::Direction,
};

use super::{
    apply::{Go, How, OnFailure, which},
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
    /// Say yes to what it loses: `DATA_LOSS`. Without it, it asks on a terminal, and is refused elsewhere
    #[arg(long, value_name = "CODE")]
    accept: Option<String>,
    /// Why: for the journal
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

pub async fn run(context: &Context, arguments: &Arguments) -> Result<Exit, CliError> {
    let Arguments { how, phase, accept, reason } = arguments;
    let consent = match accept.as_deref() {
        None => Consent::Ask,
        Some(cost::CODE) => Consent::Accepted,
        Some(_) => {
            let hint = format!("write --accept {}", cost::CODE);
            return Err(
                CliError::new("a rollback has nothing else to accept than what it loses").with_hint(hint)
            );
        }
    };
    let note = reason.as_deref();
    match phase {
        Some(Phases::Expand) => context.rolls_back("expand"),
        Some(Phases::Contract) => context.rolls_back("contract"),
        Some(Phases::All) | None => {}
    }
    let go = Go {
        how,
        which: which(*phase),
        consent,
        note,
        old_names_accepted: false,
        on_failure: OnFailure::Stop,
        sign: None,
    };
    go.go(context, Direction::Rollback).await
}
