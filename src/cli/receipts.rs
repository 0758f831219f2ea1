//! What `apply` leaves in the plan's folder for environments that come after this one and cannot ask its journal.

use std::path::Path;

use trueup::{
    apply::promotion, approval::receipt::Receipt, journal::Direction, plan::PlanFile, postgres::Session,
    step::Phase, visible::visible_line,
};

use super::{
    context::Context,
    exit::{CliError, Exit},
    output,
};

/// Writes a receipt of each phase that was applied, or takes away those of what was rolled back. Nothing of that undoes what was
/// done in the database: what fails is said.
pub async fn keep(
    context: &Context,
    plan: &PlanFile,
    phases: &[Phase],
    direction: Direction,
    key: Option<&Path>,
) -> Result<(), CliError> {
    let Some(environment) = context.global.env.as_deref() else { return Ok(()) };
    let comes_before =
        context.config.env.values().any(|other| other.after.iter().any(|it| it == environment));
    // without a folder there is nobody to read it
    if !comes_before && key.is_none() || !plan.dir.is_dir() {
        return Ok(());
    }
    let kept = match direction {
        Direction::Apply => write(context, plan, phases, environment, key).await,
        Direction::Rollback => {
            let mut removed = phases.iter().map(|phase| Receipt::remove(plan, environment, *phase));
            removed.try_for_each(|removed| removed.map_err(CliError::from))
        }
    };
    kept.map_err(|error| CliError {
        exit: Exit::Error,
        message: format!("the phase is done, and its receipt is not written: {}", error.message),
        ..error
    })
}

async fn write(
    context: &Context,
    plan: &PlanFile,
    phases: &[Phase],
    environment: &str,
    key: Option<&Path>,
) -> Result<(), CliError> {
    let session: Session = context.connect().await?;
    for phase in phases {
        let proven = promotion::asked(&session, environment, plan, *phase).await?;
        let database = session.place();
        let took = (proven.at, proven.seconds);
        let mut receipt = Receipt::new(plan, *phase, environment, database, took, proven.longest);
        if let Some(key) = key {
            receipt.sign(key).map_err(|error| CliError::new(error.to_string()))?;
        }
        match receipt.write(plan)? {
            Some(file) if !context.quiet() => {
                output::note(&format!("receipt: {}", visible_line(&output::short_path(&file))));
            }
            Some(_) => {}
            None => output::note("note: no receipt: the environment's name is none for a file"),
        }
    }
    session.close().await;
    Ok(())
}
