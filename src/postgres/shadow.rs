//! Databases on a server that is not ours: known by their names, dropped when their owner is gone.
//!
//! The owner holds an advisory lock under its own number for as long as it lives. Every name that it makes carries
//! that number, so whoever sees a name without the lock knows that the owner is dead, and may drop it. Two do so: a
//! keeper process, at once (it notices the end of its owner by the end of a pipe), and every later user of the
//! server when it begins, for the case that the keeper was killed as well.

use std::ffi::OsString;
use std::io::{BufRead, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use tokio::signal::unix::{SignalKind, signal};
use tokio_postgres::SimpleQueryMessage;

use super::scratch_error::ScratchError;
use super::session::Session;
use super::target::Target;
use super::throwaway::value;
use crate::sql;

/// The class of our advisory locks: "true" in ASCII.
const CLASS: i32 = 0x7472_7565;
const DATABASE_PREFIX: &str = "trueup_scratch_";
const ROLE_COMMENT: &str = "trueup scratch ";

/// This process's presence on a server that is not ours.
#[derive(Debug)]
pub(super) struct Shadow {
    number: u32,
    keeper: Option<Child>,
}

impl Shadow {
    /// Takes a number, and drops what dead owners left.
    pub(super) async fn open(admin: &Session, keeper: Option<&[OsString]>) -> Result<Self, ScratchError> {
        const MAY: &str =
            "SELECT rolcreatedb OR rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user";
        if value(admin, MAY).await?.as_deref() != Some("t") {
            return Err(ScratchError::ShadowPrivilege { place: admin.place().to_owned() });
        }
        let number = loop {
            let number = rand::random::<u32>() >> 1;
            let query = format!("SELECT pg_catalog.pg_try_advisory_lock({CLASS}, {number})");
            if value(admin, &query).await?.as_deref() == Some("t") {
                break number;
            }
        };
        for dead in dead(admin).await? {
            sweep(admin, dead).await;
        }
        let keeper = keeper.map(|command| start_keeper(command, admin.target(), number)).transpose()?;
        Ok(Self { number, keeper })
    }

    /// The name of the owner's database with this number.
    pub(super) fn database(&self, number: u32) -> String {
        format!("{DATABASE_PREFIX}{:08x}_{number}", self.number)
    }

    /// Marks a role as one that goes with its owner.
    pub(super) async fn mark_role(&self, admin: &Session, role: &str) -> Result<(), ScratchError> {
        let comment = sql::literal(&format!("{ROLE_COMMENT}{:08x}", self.number));
        let statement = format!("COMMENT ON ROLE {} IS {comment}", sql::ident(role));
        let result = admin.client().batch_execute(&statement).await;
        result.map_err(|source| ScratchError::Query { what: format!("comment on role {role}"), source })
    }
}

impl Drop for Shadow {
    fn drop(&mut self) {
        if let Some(mut keeper) = self.keeper.take() {
            drop(keeper.stdin.take());
            let _ = keeper.wait();
        }
    }
}

/// The numbers on databases and roles whose owner holds no lock any more.
async fn dead(admin: &Session) -> Result<Vec<u32>, ScratchError> {
    let query = format!(
        "SELECT DISTINCT number FROM (\
         SELECT pg_catalog.substring(datname::text, '^{DATABASE_PREFIX}([0-9a-f]{{8}})_[0-9]+$') \
         FROM pg_catalog.pg_database \
         UNION ALL SELECT pg_catalog.substring(pg_catalog.shobj_description(oid, 'pg_authid'), \
         '^{ROLE_COMMENT}([0-9a-f]{{8}})$') FROM pg_catalog.pg_roles) AS made (number) \
         WHERE number IS NOT NULL AND ('x' || number)::bit(32)::int8::oid NOT IN (\
         SELECT objid FROM pg_catalog.pg_locks WHERE locktype = 'advisory' AND classid = {CLASS} AND objsubid = 2 \
         AND granted)"
    );
    let messages = admin.client().simple_query(&query).await;
    let messages =
        messages.map_err(|source| ScratchError::Query { what: "look for what was left".into(), source })?;
    Ok(messages
        .iter()
        .filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => u32::from_str_radix(row.get(0)?, 16).ok(),
            _ => None,
        })
        .collect())
}

/// Drops what carries this number. What cannot be dropped (another's, or in use) stays for the next one.
async fn sweep(admin: &Session, number: u32) {
    let list = format!(
        "SELECT 'DROP DATABASE IF EXISTS ' || pg_catalog.quote_ident(datname) || ' WITH (FORCE)' \
         FROM pg_catalog.pg_database WHERE datname ~ '^{DATABASE_PREFIX}{number:08x}_[0-9]+$' \
         UNION ALL SELECT 'DROP ROLE IF EXISTS ' || pg_catalog.quote_ident(rolname) FROM pg_catalog.pg_roles \
         WHERE pg_catalog.shobj_description(oid, 'pg_authid') = '{ROLE_COMMENT}{number:08x}'"
    );
    let Ok(messages) = admin.client().simple_query(&list).await else { return };
    for message in messages {
        if let SimpleQueryMessage::Row(row) = message
            && let Some(statement) = row.get(0)
            && let Err(error) = admin.client().batch_execute(statement).await
        {
            tracing::debug!("{statement}: {error}");
        }
    }
}

fn start_keeper(command: &[OsString], target: &Target, number: u32) -> Result<Child, ScratchError> {
    let failed = |source| ScratchError::Run { what: "the keeper of the shadow server", source };
    let Some((program, arguments)) = command.split_first() else { return Err(ScratchError::KeeperSilent) };
    let mut keeper = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .map_err(failed)?;
    if let Some(pipe) = &mut keeper.stdin {
        // Through the pipe, since a command line is for everyone to read.
        writeln!(pipe, "{number}\n{}", target.to_conninfo()).map_err(failed)?;
    }
    Ok(keeper)
}

/// What the keeper of a shadow server does: waits for the end of its input, which is the end of its owner, and drops
/// what the owner left. For the hidden command that [`ScratchOptions::shadow_keeper`](super::ScratchOptions) names.
pub fn keep_shadow(input: &mut dyn BufRead) -> Result<(), ScratchError> {
    let failed = |source| ScratchError::Run { what: "the keeper of the shadow server", source };
    let (mut number, mut conninfo) = (String::new(), String::new());
    input.read_line(&mut number).map_err(failed)?;
    input.read_line(&mut conninfo).map_err(failed)?;
    let number: u32 = number.trim().parse().map_err(|_| ScratchError::KeeperSilent)?;
    let target = Target::resolve(Some(conninfo.trim_end_matches('\n')), &|_| None)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    runtime.block_on(async {
        // Listening replaces what these signals do otherwise, which is to end the keeper.
        let mut ignored = Vec::new();
        for kind in
            [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup(), SignalKind::quit()]
        {
            ignored.push(signal(kind).map_err(failed)?);
        }
        let mut rest = Vec::new();
        input.read_to_end(&mut rest).map_err(failed)?;
        let admin = Session::connect(&target).await?;
        // The owner's session may end a moment later than the owner.
        value(&admin, &format!("SELECT pg_catalog.pg_advisory_lock({CLASS}, {number})")).await?;
        sweep(&admin, number).await;
        admin.close().await;
        drop(ignored);
        Ok(())
    })
}
