//! Rows that a step would fail on: asked for before anything is changed.

use std::time::Duration;

use tokio_postgres::{Row, error::SqlState};

use super::as_owner::{Owner, finding};
use crate::{
    lower::MOST,
    postgres::{Session, names, server_words},
    step::DataCheck,
    visible::visible_line,
};

/// Rows that are in the way of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InTheWay {
    /// What they are.
    pub what: String,
    /// How many were counted; none where PostgreSQL fails on the first.
    pub count: Option<i64>,
    /// One of them, or what PostgreSQL says.
    pub example: String,
}

impl std::fmt::Display for InTheWay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { what, count, example } = self;
        let (what, example) = (visible_line(what), visible_line(example));
        match count {
            None => write!(f, "{what}: {example}"),
            Some(count) if *count < MOST => write!(f, "{what}: {count}, such as {example}"),
            Some(_) => write!(f, "{what}: {MOST} or more, such as {example}"),
        }
    }
}

/// How long one question may take.
const LIMIT: Duration = Duration::from_secs(60);

/// The rows in the way. A query that fails on a row has found one. One that takes longer than a minute, or needs what is not
/// there yet or may not be read, says nothing: the step itself will.
pub async fn in_the_way<'a>(
    session: &Session,
    checks: impl IntoIterator<Item = &'a DataCheck>,
) -> Result<Vec<InTheWay>, tokio_postgres::Error> {
    let mut found = Vec::new();
    for check in checks {
        let rows = match asked(session, &check.relation, check.sql.as_str(), LIMIT).await? {
            Ok(rows) => rows,
            Err(error) if error.code().is_some_and(is_of_a_row) => {
                let example = server_words(&error);
                found.push(InTheWay { what: check.what.clone(), count: None, example });
                continue;
            }
            Err(error) if error.code().is_some_and(is_expected) => {
                tracing::debug!("{}: not checked: {error}", check.what);
                continue;
            }
            Err(error) => return Err(error),
        };
        let Some(row) = rows.first() else { continue };
        let (count, example): (i64, Option<String>) = (row.try_get(0)?, row.try_get(1)?);
        if count > 0 {
            let example = example.unwrap_or_else(|| "NULL".to_owned());
            found.push(InTheWay { what: check.what.clone(), count: Some(count), example });
        }
    }
    Ok(found)
}

/// Whether a table, as SQL names it, has rows. Fails where it takes longer than ten seconds to see.
pub async fn has_rows(session: &Session, table: &str) -> Result<bool, tokio_postgres::Error> {
    let query = format!("SELECT count(*), NULL::pg_catalog.text FROM (SELECT FROM {table} LIMIT 1) AS found");
    let rows = asked(session, table, &query, Duration::from_secs(10)).await??;
    rows.first().map_or(Ok(false), |row| Ok(row.try_get::<_, i64>(0)? > 0))
}

/// How many rows a query counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// Those that were asked for, and all that there are.
    Rows(i64, i64),
    /// It takes longer than ten seconds, or cannot be asked.
    Not,
}

/// Counts rows of a relation. The query gives one row: a number of them, and that of all as text.
pub async fn count(session: &Session, relation: &str, query: &str) -> Result<Counted, tokio_postgres::Error> {
    let rows = match asked(session, relation, query, Duration::from_secs(10)).await? {
        Ok(rows) => rows,
        Err(error) if error.code().is_some_and(|code| is_of_a_row(code) || is_expected(code)) => {
            tracing::debug!("{relation}: not counted: {error}");
            return Ok(Counted::Not);
        }
        Err(error) => return Err(error),
    };
    let Some(row) = rows.first() else { return Ok(Counted::Not) };
    let all = row.try_get::<_, Option<&str>>(1)?.and_then(|all| all.parse().ok());
    Ok(Counted::Rows(row.try_get(0)?, all.unwrap_or_default()))
}

/// The answer to a question, a number and a text, with the rights of the relation's owner: views and policies run code, and
/// so do the expressions that are asked for. Nothing of it stays, and it takes no longer than this. Fails by itself only where
/// nothing can be asked.
async fn asked(
    session: &Session,
    relation: &str,
    query: &str,
    limit: Duration,
) -> Result<Result<Vec<Row>, tokio_postgres::Error>, tokio_postgres::Error> {
    let client = session.client();
    let limits = format!(
        "BEGIN; SET LOCAL statement_timeout = {0}; SET LOCAL lock_timeout = {0}; SET LOCAL search_path = ''; \
         SET LOCAL row_security = off",
        limit.as_millis()
    );
    let owner = Owner::of_relation(session, relation).await?;
    client.batch_execute(&limits).await?;
    let rows = async {
        let names = names::path(session, owner.as_ref().map(Owner::name)).await?;
        let names = finding(names.as_deref());
        let Some(owner) = &owner else {
            client.batch_execute(&format!("{READ_ONLY}{names}")).await?;
            return client.query_typed(query, &[]).await;
        };
        let begin = owner.begin(query, &[], &["pg_catalog.int8", "pg_catalog.text"]);
        client.batch_execute(&format!("{begin}; {READ_ONLY}{names}")).await?;
        client.query_typed(&owner.query(query, 0), &[]).await
    };
    let rows = rows.await;
    match &owner {
        Some(owner) => owner.roll_back(session).await?,
        None => client.batch_execute("ROLLBACK").await?,
    }
    Ok(rows)
}

/// Against mistakes. It is no wall: COPY … TO PROGRAM changes nothing of the database.
const READ_ONLY: &str = "SET TRANSACTION READ ONLY";

/// Whether a row is to blame: a value that is none of a type, a division by zero, what a domain refuses.
fn is_of_a_row(code: &SqlState) -> bool {
    *code == SqlState::CHECK_VIOLATION
        || *code == SqlState::NOT_NULL_VIOLATION
        || code.code().starts_with("22")
}

/// Whether a check may end with it: everything but a connection that is gone.
fn is_expected(code: &SqlState) -> bool {
    // class 57 has the server's own end, of which only the cancelled statement is ours
    *code == SqlState::QUERY_CANCELED || !(code.code().starts_with("57") || code.code().starts_with("08"))
}
