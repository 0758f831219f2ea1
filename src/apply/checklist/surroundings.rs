//! What is around a plan: other sessions, replication, connections, the disk. Asked in a round trip each, about the
//! relations that the rehearsal saw locked, written anew or built on.

use std::collections::BTreeSet;

use tokio_postgres::Row;

use super::{super::ApplyError, Check, Limits, disk};
use crate::{
    facts::in_units,
    name::Kind,
    plan::PlannedStep,
    postgres::Session,
    step::{LockMode, Observed, Verb},
    visible::visible_line,
};

/// What steps need of what is there.
#[derive(Debug, Default)]
pub struct Needs {
    /// Relations that are locked so that others wait.
    locked: BTreeSet<String>,
    /// Relations of which as much again is written: rewritten, built on, or filled.
    written: BTreeSet<String>,
    /// Extensions that are installed.
    extensions: BTreeSet<String>,
    /// Whether something is built beside writers, which waits for transactions that are older.
    concurrent: bool,
}

impl Needs {
    /// Of steps that are applied.
    pub fn there<'s>(steps: impl Iterator<Item = &'s PlannedStep>) -> Self {
        let mut needs = Self::default();
        for step in steps {
            needs.add(
                &step.seen,
                step.operation.backfill().map(|backfill| backfill.table.as_str()),
                step.operation.is_transactional(),
            );
            if step.object.kind == Kind::Extension && step.action == Verb::Create {
                needs.extensions.insert(step.object.path.last().to_owned());
            }
        }
        needs
    }

    /// Of steps that are undone.
    pub fn back<'s>(steps: impl Iterator<Item = &'s PlannedStep>) -> Self {
        let mut needs = Self::default();
        for step in steps {
            let undo = &step.undo;
            needs.add(
                &undo.seen,
                undo.operation.backfill().map(|backfill| backfill.table.as_str()),
                undo.operation.is_transactional(),
            );
        }
        needs
    }

    fn add(&mut self, seen: &Observed, filled: Option<&str>, transactional: bool) {
        let strong = seen.locks.iter().filter(|lock| lock.mode >= LockMode::ShareUpdateExclusive);
        self.locked.extend(strong.map(|lock| lock.relation.clone()));
        self.written.extend(seen.rewrites.iter().cloned());
        if !seen.builds.is_empty() {
            self.written.extend(seen.scans.iter().cloned());
            self.concurrent |= !transactional;
        }
        self.written.extend(filled.map(str::to_owned));
    }
}

/// How far a standby may be behind, in seconds, and in bytes.
const BEHIND: (i64, i64) = (30, 1 << 30);

/// Everything that is looked at here.
pub(super) async fn look(
    session: &Session,
    needs: &Needs,
    limits: Limits<'_>,
) -> Result<Vec<Check>, ApplyError> {
    let locked: Vec<&str> = needs.locked.iter().map(String::as_str).collect();
    Ok(vec![
        extensions(session, needs).await?,
        transactions(session, &locked, needs.concurrent, limits).await?,
        prepared(session, &locked).await?,
        invalid_indexes(session, &locked).await?,
        wraparound(session, &locked).await?,
        replication(session).await?,
        slots(session).await?,
        connections(session).await?,
        disk::look(session, size(session, needs).await?, limits.free_space).await,
    ])
}

async fn rows(
    session: &Session,
    what: &'static str,
    sql: &str,
    parameters: &[&(dyn tokio_postgres::types::ToSql + Sync)],
) -> Result<Vec<Row>, ApplyError> {
    session.client().query(sql, parameters).await.map_err(|source| ApplyError::Query { what, source })
}

/// Whether what is said on the way can be read on the way.
pub(super) async fn connection(session: &Session) -> Result<Check, ApplyError> {
    const NAME: &str = "connection";
    const SQL: &str = "\
SELECT CASE WHEN s.ssl THEN s.version END, \
       pg_catalog.inet_client_addr() IS NULL OR pg_catalog.host(pg_catalog.inet_client_addr()) IN ('127.0.0.1', '::1') \
  FROM pg_catalog.pg_stat_ssl s WHERE s.pid = pg_catalog.pg_backend_pid()";
    let found = rows(session, "asking about the connection", SQL, &[]).await?;
    let (tls, local) = match found.first() {
        Some(row) => (text(row, 0), row.try_get(1).unwrap_or(false)),
        None => (String::new(), false),
    };
    let place = session.place();
    Ok(match (&*tls, local) {
        ("", true) => Check::pass(NAME, format!("{place}, on this machine")),
        ("", false) => Check::warn(
            NAME,
            format!("{place}, not encrypted"),
            "add sslmode=verify-full to the connection URL",
        ),
        (version, _) => match session.unverified() {
            Some(why) => Check::warn(
                NAME,
                format!("{place}, {version}, but {why}"),
                "add sslmode=verify-full to the connection URL",
            ),
            None => Check::pass(NAME, format!("{place}, {version}")),
        },
    })
}

async fn extensions(session: &Session, needs: &Needs) -> Result<Check, ApplyError> {
    const NAME: &str = "extensions";
    const SQL: &str = "\
SELECT w.name FROM unnest($1::text[]) AS w (name) \
 WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_available_extensions a WHERE a.name = w.name) ORDER BY 1";
    let wanted: Vec<&str> = needs.extensions.iter().map(String::as_str).collect();
    if wanted.is_empty() {
        return Ok(Check::pass(NAME, "none is installed by the plan"));
    }
    let missing = rows(session, "asking for extensions", SQL, &[&wanted]).await?;
    let missing: Vec<String> = missing.iter().map(|row| text(row, 0)).collect();
    Ok(if missing.is_empty() {
        Check::pass(NAME, format!("the server has {}", wanted.join(", ")))
    } else {
        Check::fail(
            NAME,
            format!("the server does not have {}", missing.join(", ")),
            "install their packages on the server's machine",
        )
    })
}

/// Long transactions that hold what the plan wants to lock; with builds beside writers any long one in the database.
async fn transactions(
    session: &Session,
    locked: &[&str],
    concurrent: bool,
    limits: Limits<'_>,
) -> Result<Check, ApplyError> {
    const NAME: &str = "transactions";
    const SQL: &str = "\
SELECT a.pid, coalesce(a.usename::text, ''), coalesce(a.state, ''), \
       extract(epoch FROM pg_catalog.clock_timestamp() - a.xact_start)::int8, \
       coalesce((SELECT pg_catalog.string_agg(DISTINCT l.relation::pg_catalog.regclass::text, ', ') \
                   FROM pg_catalog.pg_locks l \
                   JOIN unnest($1::text[]) AS wanted(name) ON l.relation = pg_catalog.to_regclass(wanted.name) \
                  WHERE l.pid = a.pid AND l.granted), '') AS held \
  FROM pg_catalog.pg_stat_activity a \
 WHERE a.datname = pg_catalog.current_database() AND a.pid <> pg_catalog.pg_backend_pid() \
   AND a.backend_type = 'client backend' \
   AND a.xact_start < pg_catalog.clock_timestamp() - $2::int8 * interval '1 second' \
 ORDER BY a.xact_start";
    let long = i64::try_from(limits.long_transaction.as_secs()).unwrap_or(i64::MAX);
    let found = rows(session, "asking for long transactions", SQL, &[&locked, &long]).await?;
    let said: Vec<String> = found
        .iter()
        .filter_map(|row| {
            let (pid, age): (i32, i64) = (row.try_get(0).ok()?, row.try_get(3).ok()?);
            let (user, state, held) = (text(row, 1), text(row, 2), text(row, 4));
            let why = match &*held {
                "" if concurrent => "CREATE INDEX CONCURRENTLY waits for its end".to_owned(),
                "" => return None,
                held => format!("has locks on {held}"),
            };
            Some(format!("pid {pid} of {} ({state}) began {age} s ago and {why}", visible_line(&user)))
        })
        .collect();
    Ok(if said.is_empty() {
        Check::pass(NAME, "no long transaction is in the way")
    } else {
        Check::warn(
            NAME,
            said.join("; "),
            "wait for them or end them (pg_terminate_backend): steps are tried again until the locks come, or given up",
        )
    })
}

/// Prepared transactions, which nothing ends by itself.
async fn prepared(session: &Session, locked: &[&str]) -> Result<Check, ApplyError> {
    const NAME: &str = "prepared transactions";
    const SQL: &str = "\
SELECT p.gid, pg_catalog.string_agg(DISTINCT l.relation::pg_catalog.regclass::text, ', ') \
  FROM pg_catalog.pg_prepared_xacts p \
  JOIN pg_catalog.pg_locks own ON own.transactionid = p.transaction AND own.pid IS NULL \
  JOIN pg_catalog.pg_locks l ON l.virtualtransaction = own.virtualtransaction AND l.pid IS NULL \
  JOIN unnest($1::text[]) AS wanted(name) ON l.relation = pg_catalog.to_regclass(wanted.name) \
 WHERE p.database = pg_catalog.current_database() GROUP BY p.gid ORDER BY p.gid";
    let found = rows(session, "asking for prepared transactions", SQL, &[&locked]).await?;
    let said: Vec<String> = found
        .iter()
        .map(|row| format!("\"{}\" has locks on {}", visible_line(&text(row, 0)), text(row, 1)))
        .collect();
    Ok(if said.is_empty() {
        Check::pass(NAME, "none has locks on what the plan changes")
    } else {
        Check::fail(NAME, said.join("; "), "COMMIT PREPARED or ROLLBACK PREPARED them")
    })
}

/// On these relations, or they themselves.
pub async fn invalid_indexes(session: &Session, relations: &[&str]) -> Result<Check, ApplyError> {
    const NAME: &str = "invalid indexes";
    const SQL: &str = "\
SELECT DISTINCT i.indexrelid::pg_catalog.regclass::text, i.indrelid::pg_catalog.regclass::text \
  FROM pg_catalog.pg_index i \
  JOIN unnest($1::text[]) AS wanted(name) ON pg_catalog.to_regclass(wanted.name) IN (i.indrelid, i.indexrelid) \
  JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid AND c.relkind = 'i' \
 WHERE NOT i.indisvalid \
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_progress_create_index p WHERE p.index_relid = i.indexrelid) \
 ORDER BY 1";
    let found = rows(session, "asking for invalid indexes", SQL, &[&relations]).await?;
    let said: Vec<String> = found.iter().map(|row| format!("{} on {}", text(row, 0), text(row, 1))).collect();
    Ok(if said.is_empty() {
        Check::pass(NAME, "there is none on what the plan changes")
    } else {
        Check::warn(
            NAME,
            format!("{}: every write keeps them up, and no query uses them", said.join(", ")),
            "DROP INDEX CONCURRENTLY, or REINDEX INDEX CONCURRENTLY",
        )
    })
}

/// Autovacuum gives way to whoever wants its table, unless it runs to prevent wraparound (manual, 24.1.6).
async fn wraparound(session: &Session, locked: &[&str]) -> Result<Check, ApplyError> {
    const NAME: &str = "autovacuum";
    const SQL: &str = "\
SELECT DISTINCT a.pid, l.relation::pg_catalog.regclass::text \
  FROM pg_catalog.pg_stat_activity a JOIN pg_catalog.pg_locks l ON l.pid = a.pid AND l.granted \
  JOIN unnest($1::text[]) AS wanted(name) ON l.relation = pg_catalog.to_regclass(wanted.name) \
 WHERE a.backend_type = 'autovacuum worker' AND a.query LIKE '%to prevent wraparound%' ORDER BY 1, 2";
    let found = rows(session, "asking for autovacuum", SQL, &[&locked]).await?;
    let said: Vec<String> = found
        .iter()
        .filter_map(|row| Some(format!("pid {} vacuums {}", row.try_get::<_, i32>(0).ok()?, text(row, 1))))
        .collect();
    Ok(if said.is_empty() {
        Check::pass(NAME, "none that would not give way")
    } else {
        Check::fail(
            NAME,
            format!("{} to prevent wraparound, and does not give way", said.join("; ")),
            "wait for its end: pg_stat_progress_vacuum says how far it is",
        )
    })
}

async fn replication(session: &Session) -> Result<Check, ApplyError> {
    const NAME: &str = "replication";
    const SQL: &str = "\
SELECT coalesce(r.application_name, ''), coalesce(r.state, ''), \
       coalesce(extract(epoch FROM r.replay_lag)::int8, 0), \
       coalesce(pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), r.replay_lsn)::int8, 0) \
  FROM pg_catalog.pg_stat_replication r ORDER BY 1";
    let found = rows(session, "asking for replication", SQL, &[]).await?;
    let behind: Vec<String> = found
        .iter()
        .filter_map(|row| {
            let (seconds, lag): (i64, i64) = (row.try_get(2).ok()?, row.try_get(3).ok()?);
            let (name, state) = (text(row, 0), text(row, 1));
            let late = seconds > BEHIND.0 || lag > BEHIND.1;
            let lag = in_units(u64::try_from(lag).unwrap_or_default());
            late.then(|| format!("{} ({state}) is {seconds} s and {lag} behind", visible_line(&name)))
        })
        .collect();
    Ok(match (&*behind, found.len()) {
        ([], 0) => Check::pass(NAME, "nothing follows this server, as far as this role can see"),
        ([], 1) => Check::pass(NAME, "1 follower keeps up"),
        ([], many) => Check::pass(NAME, format!("{many} followers keep up")),
        (behind, _) => Check::warn(
            NAME,
            behind.join("; "),
            "wait until they have caught up: backfills wait for them, builds and rewrites do not",
        ),
    })
}

/// Slots that nobody reads from keep the WAL that the plan writes.
async fn slots(session: &Session) -> Result<Check, ApplyError> {
    const NAME: &str = "replication slots";
    const SQL: &str = "\
SELECT slot_name::text, coalesce(pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), restart_lsn)::int8, 0) \
  FROM pg_catalog.pg_replication_slots \
 WHERE NOT active AND NOT temporary AND restart_lsn IS NOT NULL ORDER BY 1";
    let found = rows(session, "asking for replication slots", SQL, &[]).await?;
    let said: Vec<String> = found
        .iter()
        .filter_map(|row| {
            let kept = in_units(u64::try_from(row.try_get::<_, i64>(1).ok()?).unwrap_or_default());
            Some(format!("{} keeps {kept} of WAL", text(row, 0)))
        })
        .collect();
    Ok(if said.is_empty() {
        Check::pass(NAME, "none is inactive")
    } else {
        Check::warn(
            NAME,
            format!("inactive: {}", said.join("; ")),
            "drop those that nobody will read from (pg_drop_replication_slot), or watch the disk",
        )
    })
}

/// Two sessions of ours at a time, and a third that looks for who is in the way.
async fn connections(session: &Session) -> Result<Check, ApplyError> {
    const NAME: &str = "connections";
    const SQL: &str = "\
SELECT count(*), pg_catalog.current_setting('max_connections')::int8 \
         - pg_catalog.current_setting('superuser_reserved_connections')::int8 \
  FROM pg_catalog.pg_stat_activity WHERE backend_type = 'client backend'";
    let found = rows(session, "asking for connections", SQL, &[]).await?;
    let (used, most): (i64, i64) = found
        .first()
        .and_then(|row| Some((row.try_get(0).ok()?, row.try_get(1).ok()?)))
        .unwrap_or((0, i64::MAX));
    let what = format!("{used} of {most} are in use");
    Ok(if most - used < 2 {
        Check::fail(NAME, what, "close some, or wait: an apply needs two")
    } else if used * 10 >= most * 9 {
        Check::warn(NAME, what, "an apply needs two of those that are left")
    } else {
        Check::pass(NAME, what)
    })
}

/// How much is written anew, about: the largest of a phase's works could be undone before the next, but nobody knows.
async fn size(session: &Session, needs: &Needs) -> Result<u64, ApplyError> {
    const SQL: &str = "\
SELECT coalesce(sum(pg_catalog.pg_total_relation_size(t.relid))::int8, 0) \
  FROM unnest($1::text[]) AS wanted(name), \
       LATERAL (SELECT pg_catalog.to_regclass(wanted.name) AS relid \
                UNION SELECT relid FROM pg_catalog.pg_partition_tree(pg_catalog.to_regclass(wanted.name))) t";
    let written: Vec<&str> = needs.written.iter().map(String::as_str).collect();
    let found = rows(session, "asking for sizes", SQL, &[&written]).await?;
    let sum: i64 = found.first().and_then(|row| row.try_get(0).ok()).unwrap_or_default();
    Ok(u64::try_from(sum).unwrap_or_default())
}

fn text(row: &Row, at: usize) -> String {
    row.try_get::<_, Option<String>>(at).ok().flatten().unwrap_or_default()
}
