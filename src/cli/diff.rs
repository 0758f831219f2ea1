//! `trueup diff`

use std::{
    fmt,
    path::{Path, PathBuf},
};

use trueup::{
    catalog::{
        Catalog,
        scope::{Manage, Scope},
    },
    dump::compare::Comparison,
    journal,
    name::Pair,
    plan::PlanFile,
    planning::side::{self, Side},
    postgres::{Scratch, Session},
    report::comparison as report,
    source::desired::Desired,
    visible::visible_line,
};

use super::{
    Format,
    context::{Context, scratch_options},
    desired,
    exit::{CliError, Exit},
    output, planner,
    progress::Waiting,
};

/// Compares two schemas: databases, SQL, or a plan, which stands for the database as it will be when it is done.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
FROM and TO are each the name of an environment, a URL, SQL (a file, a folder or -), or a plan. A plan is tried on a copy
of the other side where that is a database, else of the one that --env, --url or DATABASE_URL names. A file called like
an environment is meant by ./NAME. What is in either of them is compared.

Example:
  trueup diff production schema/
  trueup diff postgres://localhost/shop plans/20261120-tier --unified")]
pub struct Arguments {
    /// The one side
    from: String,
    /// The other side
    to: String,
    /// Print the difference of the DDL instead of a tree
    #[arg(long, short)]
    unified: bool,
    /// The schemas to compare; else all, or those of [manage] in trueup.toml
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    manage: Vec<String>,
    /// End with code 2 when they differ
    #[arg(long)]
    exit_code: bool,
}

/// A side as it is given.
enum Operand {
    Database(Box<Session>),
    Sql(Desired),
    Plan(Box<PlanFile>),
}

impl fmt::Debug for Operand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Database(_) => "Database",
            Self::Sql(_) => "Sql",
            Self::Plan(_) => "Plan",
        })
    }
}

pub async fn run(context: &Context, arguments: &Arguments) -> Result<Exit, CliError> {
    if arguments.from == "-" && arguments.to == "-" {
        return Err(CliError::new("standard input can be read only once"));
    }
    let from = operand(context, &arguments.from).await?;
    let to = operand(context, &arguments.to).await?;
    // a plan needs a database that it is tried on
    let on = match (&from, &to) {
        (Operand::Plan(_), Operand::Plan(_) | Operand::Sql(_)) | (Operand::Sql(_), Operand::Plan(_)) => {
            Some(context.connect().await?)
        }
        _ => None,
    };
    let sides = Pair::new(side_of(&from, &to, on.as_ref()).await?, side_of(&to, &from, on.as_ref()).await?);
    let (major, catalogs, notes) = Box::pin(read(context, sides.as_ref())).await?;
    for note in notes.iter().filter(|_| !context.quiet()) {
        output::note(&format!("note: {}", visible_line(note)));
    }
    let manage = planner::said_to_manage(context, &arguments.manage).unwrap_or(Manage::All);
    let scope = Scope::decide(&manage, &catalogs.before, &catalogs.after, &context.config.manage.ignore);
    let comparison = Comparison::of(catalogs.as_ref(), &scope, major)?;
    let unlike = unlike(catalogs.as_ref());
    if !unlike.is_empty() && !context.quiet() {
        let list = unlike.join(", ");
        output::note(&format!(
            "note: not compared, since trueup does not manage it: {}",
            visible_line(&list)
        ));
    }
    let names = Pair::new(name(&arguments.from, &from), name(&arguments.to, &to));
    print(context, arguments, &comparison, Pair::new(names.before.as_str(), names.after.as_str()));
    Ok(if arguments.exit_code && !comparison.is_empty() { Exit::Pending } else { Exit::Done })
}

fn print(context: &Context, arguments: &Arguments, comparison: &Comparison, names: Pair<&str>) {
    match context.format() {
        Format::Json => output::json(&report::json(comparison, names)),
        _ if comparison.is_empty() => {
            let (from, to) = (visible_line(names.before), visible_line(names.after));
            output::result(&format!("No difference between {from} and {to}."));
        }
        Format::Markdown if arguments.unified => {
            output::result(&report::markdown_unified(comparison, names));
        }
        Format::Markdown => output::result(&report::markdown_tree(comparison)),
        Format::Text | Format::Sql if arguments.unified => {
            output::result(&report::unified(comparison, names, output::colour()));
        }
        Format::Text | Format::Sql => output::result(&report::tree(comparison, output::colour())),
    }
}

/// What an argument means.
async fn operand(context: &Context, text: &str) -> Result<Operand, CliError> {
    let target = if desired::check_url(text)? {
        Some(context.resolve(Some(text))?)
    } else if context.config.env.contains_key(text) {
        Some(context.target_of(text)?)
    } else {
        None
    };
    if let Some(target) = target {
        let session = Session::connect(&target.for_trueup()).await?;
        return Ok(Operand::Database(Box::new(session)));
    }
    let path = Path::new(text);
    let is_plan = |path: &Path| path.join("plan.toml").is_file() || path.ends_with("plan.toml");
    let by_name = context.config.plans_dir().join(text);
    if is_plan(path) || !path.exists() && text != "-" && is_plan(&by_name) {
        return Ok(Operand::Plan(Box::new(context.plan(path)?)));
    }
    if text != "-" && !path.exists() {
        let known: Vec<&str> = context.config.env.keys().map(String::as_str).collect();
        let known = if known.is_empty() {
            "trueup.toml names no environment".to_owned()
        } else {
            format!("environments: {}", known.join(", "))
        };
        let error = format!("`{text}` is no environment, no URL, no plan, and no path to SQL");
        return Err(CliError::new(error).with_hint(known));
    }
    Ok(Operand::Sql(desired::read_sql(context, vec![PathBuf::from(text)], None)?))
}

/// What a side is, beside the other one.
async fn side_of<'a>(
    operand: &'a Operand,
    other: &'a Operand,
    on: Option<&'a Session>,
) -> Result<Side<'a>, CliError> {
    Ok(match (operand, other, on) {
        (Operand::Database(session), ..) => Side::Database(session),
        (Operand::Sql(desired), ..) => Side::Sql(desired),
        (Operand::Plan(plan), other, on) => {
            let on = match (other, on) {
                (Operand::Database(on), _) => on,
                (_, Some(on)) => on,
                (_, None) => return Err(CliError::new("no database is given to try the plan on")),
            };
            let state = journal::state(on, &plan.digest).await?;
            Side::Planned { on, plan: &plan.plan, done: state.done }
        }
    })
}

/// Both catalogs, the server's major version, and what is to be said about them.
async fn read(
    context: &Context,
    sides: Pair<&Side<'_>>,
) -> Result<(u16, Pair<Catalog>, Vec<String>), CliError> {
    let sessions = Pair::new(sides.before.session(), sides.after.session());
    if let (Some(before), Some(after)) = (sessions.before, sessions.after)
        && before.major() != after.major()
    {
        let (one, other) = (before.major(), after.major());
        return Err(CliError::new(format!("FROM runs PostgreSQL {one}, and TO {other}"))
            .with_hint("two databases are compared within one major version; dump one, and give its SQL"));
    }
    let session = sessions.before.or(sessions.after);
    if let Some(catalogs) = side::read_databases(sides).await.map_err(planner::planning_error)? {
        return Ok((session.map_or(0, Session::major), catalogs, Vec::new()));
    }
    let secrets = context.secrets()?;
    let waiting = Waiting::new(context.quiet());
    let mut options = scratch_options(context)?;
    if let Some(session) = session {
        options = options.with_major(session.major());
    }
    let scratch = Scratch::open(&options, &|what| waiting.say(what)).await?;
    let result = Box::pin(side::read(sides, &scratch, &secrets, &|what| waiting.say(what))).await;
    waiting.end();
    let major = scratch.major();
    let closed = scratch.close().await;
    let (catalogs, notes) = result.map_err(planner::planning_error)?;
    closed?;
    Ok((major, catalogs, notes))
}

/// Objects of classes that trueup does not model, and that are not the same on both sides.
fn unlike(catalogs: Pair<&Catalog>) -> Vec<String> {
    let Pair { before, after } = catalogs;
    let one = before.unmanaged.iter().filter(|(name, state)| after.unmanaged.get(*name) != Some(state));
    let other = after.unmanaged.iter().filter(|(name, _)| !before.unmanaged.contains_key(*name));
    one.chain(other).map(|(name, _)| name.clone()).collect()
}

/// What a side is called in the output: never a URL, which may hold a password.
fn name(given: &str, operand: &Operand) -> String {
    match operand {
        Operand::Database(session) if desired::is_url(given) => session.place().to_owned(),
        _ => given.to_owned(),
    }
}
