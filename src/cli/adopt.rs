//! `trueup adopt`

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use trueup::{
    apply::adopt::{self, Options, Outcome, PlanOptions},
    catalog::scope::Manage,
    sql,
    visible::visible_line,
};

use super::{
    Format,
    context::Context,
    exit::{CliError, Exit},
    output, planner,
};

/// Takes a database as it is: begins its journal, and says which schemas are managed from now on. With a plan: takes that as
/// applied, where the database is what it leaves. Nothing else in the database is changed.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
From then on `plan` manages these schemas even where the desired SQL does not mention them any more: what is missing in
the SQL is to be dropped. `init --from` makes the SQL.

Example:
  trueup adopt --env production --manage public,billing
  trueup adopt plans/20261120-tier --env production --note \"made by hand in the night\"")]
pub struct Arguments {
    /// A plan to take as applied, whose end is there already: its folder, its plan.toml, or its name
    #[arg(conflicts_with = "manage")]
    plan: Option<PathBuf>,
    /// How it came about: for the journal
    #[arg(long, value_name = "TEXT", requires = "plan")]
    note: Option<String>,
    /// The schemas to manage from now on; else all, or those of [manage] in trueup.toml
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    manage: Vec<String>,
    /// Seconds to wait for another trueup in the same database
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    wait: u64,
}

pub async fn run(context: &Context, arguments: &Arguments) -> Result<Exit, CliError> {
    if let Some(named) = &arguments.plan {
        return adopt_plan(context, named, arguments).await;
    }
    let target = context.target()?;
    let options = Options {
        target: &target,
        manage: planner::said_to_manage(context, &arguments.manage).unwrap_or(Manage::All),
        ignore: &context.config.manage.ignore,
        wait: Duration::from_secs(arguments.wait),
        tool: env!("CARGO_PKG_VERSION"),
    };
    let (word, state) = match adopt::adopt(&options).await? {
        Outcome::Adopted(state) => ("adopted", state),
        Outcome::Already(adoption) => ("is adopted already", adoption.state),
        Outcome::Empty => {
            return Err(CliError::new("there is nothing in this database to adopt")
                .with_hint("the first plan that is applied begins the journal"));
        }
    };
    if context.format() == Format::Json {
        output::json(&serde_json::json!({ "adopted": word == "adopted", "state": state }));
    } else {
        let schemas: Vec<String> = state.schemas.iter().map(|name| sql::ident(name)).collect();
        let what = if schemas.len() == 1 { "schema" } else { "schemas" };
        let objects =
            if state.objects == 1 { "1 object".to_owned() } else { format!("{} objects", state.objects) };
        let text = format!("{what} {} ({objects}) {word}", schemas.join(", "));
        output::words(context.format(), &visible_line(&text));
    }
    Ok(Exit::Done)
}

async fn adopt_plan(context: &Context, named: &Path, arguments: &Arguments) -> Result<Exit, CliError> {
    let plan = context.plan(named)?;
    let options = PlanOptions {
        plan: &plan,
        target: &context.target()?,
        shaping: &context.shaping()?,
        note: arguments.note.as_deref(),
        wait: Duration::from_secs(arguments.wait),
        tool: env!("CARGO_PKG_VERSION"),
    };
    let adopted = adopt::adopt_plan(&options).await?;
    if context.format() == Format::Json {
        output::json(&serde_json::json!({
            "adopted": adopted.is_some(), "plan": plan.plan.name, "digest": plan.digest,
            "warnings": adopted.unwrap_or_default(),
        }));
    } else {
        let name = visible_line(&plan.plan.name);
        let words =
            if adopted.is_some() { "adopted, the database is what it leaves" } else { "is applied already" };
        output::words(context.format(), &format!("{name}: {words}"));
        for warning in adopted.iter().flatten() {
            output::note(&format!("warning: {warning}"));
        }
    }
    Ok(Exit::Done)
}
