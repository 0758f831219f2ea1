//! The command line: one file per command, each of which declares its arguments and calls the library.
//!
//! Only here is anything printed, the environment read, or the clock. Results go to standard output, progress and
//! errors to standard error.

mod abandon;
mod adopt;
mod apply;
mod approve;
mod audit;
mod base;
mod check;
mod context;
mod demo;
mod deploy;
mod desired;
mod diff;
mod doctor;
mod dump;
mod exit;
mod fits;
mod history;
mod init;
mod loaded;
mod output;
mod paste;
mod plan;
mod planner;
mod plans;
mod preflight;
mod progress;
mod protect;
mod push;
mod ready;
mod receipts;
mod rollback;
mod show;
mod sign_off;
mod status;
mod verify;

use std::{ffi::OsString, path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand, ValueEnum};

use context::Context;
use exit::{CliError, Exit};

/// Brings a PostgreSQL database to a declared schema: by a plan that was rehearsed, reviewed and approved.
#[derive(Debug, Parser)]
#[command(name = "trueup", version, max_term_width = 100, arg_required_else_help = true, after_help = AFTER)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

const AFTER: &str = "\
Exit codes: 0 done, or nothing to do; 1 error; 2 with --exit-code: work is pending, or schemas differ;
3 refused: not approved, stale, policy; 4 stopped part-way, can go on; status --exit-code also has
5 somebody changed the database, and 6 a plan is between its phases.

Example:
  trueup plan --schema schema/ --url postgres://app@db.example/shop
  trueup approve plans/20261120-tier --as alice
  trueup apply plans/20261120-tier --url postgres://app@db.example/shop";

/// What every command understands.
#[derive(Debug, Args)]
struct Global {
    /// The environment in trueup.toml to work on
    #[arg(long, global = true, value_name = "NAME", conflicts_with = "url", help_heading = GLOBAL)]
    env: Option<String>,
    /// The database to work on; else DATABASE_URL, else the PG* variables
    #[arg(long, global = true, value_name = "URL", help_heading = GLOBAL)]
    url: Option<String>,
    /// Desired SQL: a file, a folder, - or a URL; repeatable; else what trueup.toml says
    #[arg(long, global = true, value_name = "PATH", help_heading = GLOBAL)]
    schema: Vec<PathBuf>,
    /// A server to rehearse on instead of a throwaway one
    #[arg(long, global = true, value_name = "URL", env = "TRUEUP_SHADOW_URL", hide_env_values = true, help_heading = GLOBAL)]
    shadow_url: Option<String>,
    /// Start a throwaway server only in namespaces of its own: for SQL that anybody may propose
    #[arg(long, global = true, env = "TRUEUP_UNTRUSTED", help_heading = GLOBAL)]
    untrusted: bool,
    /// Download a PostgreSQL that this release does not know the hash of
    #[arg(long, global = true, help_heading = GLOBAL)]
    allow_unpinned: bool,
    /// How to print
    #[arg(long, global = true, value_enum, default_value_t = Format::Text, help_heading = GLOBAL)]
    format: Format,
    /// Print results and errors only
    #[arg(long, short, global = true, help_heading = GLOBAL)]
    quiet: bool,
    /// Say more; twice: say all
    #[arg(short, long, global = true, action = clap::ArgAction::Count, conflicts_with = "quiet", help_heading = GLOBAL)]
    verbose: u8,
}

const GLOBAL: &str = "Everywhere";

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people, on a terminal
    Text,
    /// For people, in a pull request
    Markdown,
    /// For programs
    Json,
    /// The statements (plans only)
    Sql,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write a rehearsed plan from the live database to the desired schema
    Plan(plan::Arguments),
    /// Look whether the schema is good, without any database
    Check(check::Arguments),
    /// Print a plan for review
    Show(show::Arguments),
    /// Check a plan: its bytes, its approvals, and whether it still fits the database
    Verify(verify::Arguments),
    /// Look at everything that an apply would look at, and change nothing
    Preflight(preflight::Arguments),
    /// Record your approval of a plan
    Approve(approve::Arguments),
    /// Apply an approved plan, or go on with one that stopped
    Apply(apply::Arguments),
    /// Plan and apply at once, where trueup.toml lets you: for databases of your own
    Push(push::Arguments),
    /// Apply all plans that wait, in their order: for a deploy job
    Deploy(deploy::Arguments),
    /// Say whether code may be rolled out now
    Ready(ready::Arguments),
    /// Undo what was applied of a plan, and prove that the database is what it was
    Rollback(rollback::Arguments),
    /// End a plan between its phases without finishing it
    Abandon(abandon::Arguments),
    /// Say where the database stands, and what to do next
    Status(status::Arguments),
    /// List the plans of the project as the database sees them
    Plans(plans::Arguments),
    /// List what was applied and rolled back
    History(history::Arguments),
    /// Write the live database's schema as desired SQL
    Dump(dump::Arguments),
    /// Compare two schemas: databases, SQL, or a plan
    Diff(diff::Arguments),
    /// Take a database as it is: begin its journal
    Adopt(adopt::Arguments),
    /// Pin the policy in the database, so that no pull request can lower it
    Protect(protect::Arguments),
    /// Have the database write down who changes its schema
    Audit(audit::Arguments),
    /// Say what trueup finds on this machine, and what it separates a throwaway server by
    Doctor(doctor::Arguments),
    /// Set up trueup.toml, schema/ and plans/
    Init(init::Arguments),
    /// See all of it on a throwaway server
    Demo(demo::Arguments),
    /// Drop what a dead trueup left on a shadow server (started by trueup itself)
    #[command(hide = true)]
    KeepShadow,
    /// Run a throwaway server in a sandbox (started by trueup itself)
    #[command(hide = true)]
    RunServer {
        /// See trueup::postgres::run_server
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
}

/// Parses the command line, runs the command, prints what went wrong.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Clap's own code for a wrong command line is 2, which means something else here
            let exit = if error.use_stderr() { Exit::Error } else { Exit::Done };
            return if error.print().is_ok() { exit.into() } else { Exit::Error.into() };
        }
    };
    output::log(cli.global.verbose);
    if matches!(cli.command, Command::KeepShadow) {
        return match trueup::postgres::keep_shadow(&mut std::io::stdin().lock()) {
            Ok(()) => Exit::Done.into(),
            Err(_) => Exit::Error.into(),
        };
    }
    if let Command::RunServer { arguments } = cli.command {
        return match trueup::postgres::run_server(arguments) {
            Ok(()) => Exit::Done.into(),
            Err(why) => {
                output::note(&format!("sandbox: {why}"));
                Exit::Error.into()
            }
        };
    }
    let result = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(CliError::from)
        .and_then(|runtime| runtime.block_on(run(cli)));
    match result {
        Ok(exit) => exit.into(),
        Err(error) => {
            output::error(&error);
            error.exit.into()
        }
    }
}

async fn run(cli: Cli) -> Result<Exit, CliError> {
    let Cli { global, command } = cli;
    if let Command::Init(arguments) = command {
        return init::run(global, &arguments).await;
    }
    let context = Context::new(global)?;
    let result = match command {
        Command::Plan(arguments) => plan::run(&context, &arguments).await,
        Command::Check(arguments) => check::run(&context, &arguments).await,
        Command::Show(arguments) => show::run(&context, &arguments),
        Command::Verify(arguments) => Box::pin(verify::run(&context, &arguments)).await,
        Command::Preflight(arguments) => preflight::run(&context, &arguments).await,
        Command::Approve(arguments) => approve::run(&context, &arguments).await,
        Command::Apply(arguments) => apply::run(&context, &arguments).await,
        Command::Push(arguments) => Box::pin(push::run(&context, &arguments)).await,
        Command::Deploy(arguments) => deploy::run(&context, &arguments).await,
        Command::Ready(arguments) => ready::run(&context, &arguments).await,
        Command::Plans(arguments) => plans::run(&context, &arguments).await,
        Command::Rollback(arguments) => rollback::run(&context, &arguments).await,
        Command::Abandon(arguments) => abandon::run(&context, &arguments).await,
        Command::Status(arguments) => status::run(&context, &arguments).await,
        Command::History(arguments) => history::run(&context, &arguments).await,
        Command::Adopt(arguments) => adopt::run(&context, &arguments).await,
        Command::Protect(arguments) => protect::run(&context, &arguments).await,
        Command::Audit(arguments) => audit::run(&context, &arguments).await,
        Command::Diff(arguments) => diff::run(&context, &arguments).await,
        Command::Dump(arguments) => dump::run(&context, &arguments).await,
        Command::Doctor(arguments) => doctor::run(&context, &arguments).await,
        Command::Demo(arguments) => Box::pin(demo::run(&context, &arguments)).await,
        Command::Init(_) | Command::KeepShadow | Command::RunServer { .. } => Ok(Exit::Done),
    };
    result.map_err(|error| CliError { hint: error.hint.map(|hint| context.completed(&hint)), ..error })
}
