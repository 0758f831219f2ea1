//! `trueup doctor`

use serde_json::json;
use trueup::postgres::{Sandbox, Scratch, Session};

use super::{
    Format,
    context::{Context, scratch_options},
    exit::{CliError, Exit},
    output,
    progress::Waiting,
};

/// Starts a throwaway server and connects to the database, if one is named, and says what was found: which PostgreSQL, what
/// separates it from this machine, where downloads are cached, whose rights trueup has. Ends with code 1 where one of the two
/// does not work.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  trueup doctor --url postgres://app@db.example/shop")]
pub struct Arguments {}

pub async fn run(context: &Context, _: &Arguments) -> Result<Exit, CliError> {
    let options = scratch_options(context)?;
    let waiting = Waiting::new(context.quiet());
    let scratch = Scratch::open(&options, &|what| waiting.say(what)).await;
    waiting.end();
    let mut checks = Vec::new();
    match scratch {
        Ok(scratch) => {
            checks.push(Check::good("throwaway server", scratch.describe()));
            checks.extend(scratch.sandbox().map(|sandbox| Check::good("sandbox", described(sandbox))));
            let superuser = scratch.superuser_of_shadow();
            let superuser = superuser.map(|role| format!("{role}, a superuser: CREATEDB is enough"));
            checks.extend(superuser.map(|found| Check::good("shadow role", found)));
            scratch.close().await?;
        }
        Err(error) => checks.push(Check::bad("throwaway server", error.into())),
    }
    if options.shadow.is_none() {
        checks.push(Check::good("cache", options.cache_dir.display().to_string()));
    }
    if context.names_a_database() {
        match context.connect().await {
            Ok(session) => {
                checks.push(Check::good("database", database(&session)));
                session.close().await;
            }
            Err(error) => checks.push(Check::bad("database", error)),
        }
    }
    let failed = checks.iter().any(|check| check.error.is_some());
    if context.global.format == Format::Json {
        let list: Vec<_> = checks
            .iter()
            .map(|check| json!({ "what": check.what, "ok": check.error.is_none(), "found": check.found() }))
            .collect();
        output::json(&json!({ "checks": list }));
    } else {
        let lines: String =
            checks.iter().map(|check| format!("{:<17} {}\n", check.what, check.found())).collect();
        output::result(&lines);
    }
    Ok(if failed { Exit::Error } else { Exit::Done })
}

/// One thing that was looked at.
struct Check {
    what: &'static str,
    found: String,
    error: Option<CliError>,
}

impl Check {
    fn good(what: &'static str, found: String) -> Self {
        Self { what, found, error: None }
    }

    fn bad(what: &'static str, error: CliError) -> Self {
        Self { what, found: String::new(), error: Some(error) }
    }

    fn found(&self) -> String {
        match &self.error {
            None => self.found.clone(),
            Some(CliError { message, hint: None, .. }) => format!("error: {message}"),
            Some(CliError { message, hint: Some(hint), .. }) => format!("error: {message} (hint: {hint})"),
        }
    }
}

fn described(sandbox: Sandbox) -> String {
    match sandbox {
        Sandbox::Namespaces => "namespaces: no network, no process, socket or file of others",
        Sandbox::Landlock => {
            "Landlock: no file of others, no TCP; processes of the same user and sockets are in reach"
        }
        Sandbox::None => "none: SQL that runs there can do on this machine what its user can",
    }
    .to_owned()
}

fn database(session: &Session) -> String {
    let version = session.server_version_num();
    let superuser =
        if session.is_superuser() { ", as a superuser: a role that owns the schema is enough" } else { "" };
    format!("{}, PostgreSQL {}.{}{superuser}", session.place(), version / 10_000, version % 10_000)
}
