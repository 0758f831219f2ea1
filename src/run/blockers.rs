//! Who is in the way of a session that waits for a lock.

use std::fmt;

use crate::{
    postgres::Session,
    source::lex::{Lexer, Token},
    visible::visible_line,
};

/// A session that holds, or waits ahead for, a lock that ours wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blocker {
    /// Its process id on the server; 0 is a prepared transaction.
    pub pid: i32,
    /// Its role.
    pub user: String,
    /// What it calls itself.
    pub application: String,
    /// `active`, `idle in transaction` …
    pub state: String,
    /// How many seconds its transaction is old.
    pub age: i64,
    /// The beginning of its query, without the strings in it: one may be a password or somebody's data.
    pub query: String,
}

const QUERY: &str = "\
SELECT b.pid,
       coalesce(a.usename::text, '') AS usename,
       coalesce(a.application_name, '') AS application_name,
       coalesce(a.state, CASE WHEN b.pid OPERATOR(pg_catalog.=) 0 THEN 'prepared transaction' ELSE '' END) AS state,
       coalesce(extract(epoch FROM clock_timestamp() - coalesce(a.xact_start, a.backend_start)), 0)::bigint AS age,
       left(coalesce(a.query, ''), 1000) AS query
  FROM (SELECT DISTINCT unnest(pg_blocking_pids($1)) AS pid) b LEFT JOIN pg_stat_activity a USING (pid)
 ORDER BY b.pid";

/// Who blocks the backend `pid` right now, seen from another session; nobody if that cannot be told.
pub(super) async fn of(watcher: &Session, pid: i32) -> Vec<Blocker> {
    let rows = watcher.client().query(QUERY, &[&pid]).await.unwrap_or_default();
    let read = |row: &tokio_postgres::Row| {
        Some(Blocker {
            pid: row.try_get(0).ok()?,
            user: row.try_get(1).ok()?,
            application: row.try_get(2).ok()?,
            state: row.try_get(3).ok()?,
            age: row.try_get(4).ok()?,
            query: beginning(row.try_get(5).ok()?),
        })
    };
    rows.iter().filter_map(read).collect()
}

/// The beginning of a query on one line, with dots in the place of strings and comments.
fn beginning(query: &str) -> String {
    let (mut shown, mut end) = (String::new(), 0);
    for lexeme in Lexer::new(query) {
        if end > 0 && lexeme.start > end {
            shown.push(' ');
        }
        match lexeme.token {
            Token::String | Token::Open | Token::Comment => shown.push('…'),
            Token::Word | Token::Quoted | Token::Number | Token::Symbol => shown.push_str(lexeme.of(query)),
        }
        end = lexeme.end;
    }
    shown.chars().take(SHOWN).collect()
}

/// How many characters of a query are shown.
const SHOWN: usize = 80;

impl fmt::Display for Blocker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pid, user, application, state, age, query } = self;
        if *pid == 0 {
            return write!(f, "a prepared transaction (see pg_prepared_xacts)");
        }
        write!(f, "pid {pid}")?;
        if !user.is_empty() {
            write!(f, " of {}", visible_line(user))?;
        }
        if !application.is_empty() {
            write!(f, " ({})", visible_line(application))?;
        }
        write!(f, ", {} for {age} s: {}", visible_line(state), visible_line(query))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_of_a_query_are_not_shown() {
        for (query, shown) in [
            ("ALTER ROLE app\n  PASSWORD 'hunter2'", "ALTER ROLE app PASSWORD …"),
            ("SELECT f($$hunter2$$, E'hunter\\'2', 7)", "SELECT f(…, …, 7)"),
            ("SELECT 'hunter2 that the server cut off", "SELECT …"),
            ("/* by hunter2 */ COMMIT", "… COMMIT"),
        ] {
            assert_eq!(beginning(query), shown);
        }
        assert_eq!(beginning(&"é".repeat(200)).chars().count(), SHOWN);
    }
}
