//! What can go wrong while a batch runs.

use tokio_postgres::error::SqlState;

use super::{Blocker, Item, is_about_locks};
use crate::{
    postgres::{Session, server_words},
    visible::visible_line,
};

/// Why a batch did not run to its end. A transactional one was rolled back, unless the connection was lost while
/// it committed.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The server refused a statement.
    #[error("step {step}, {object}: {}", server_words(source))]
    Statement {
        /// The step.
        step: u32,
        /// Its object.
        object: String,
        /// Which statement of the step, from 0.
        statement: usize,
        /// The statement.
        sql: String,
        /// What the server said.
        source: tokio_postgres::Error,
    },
    /// A lock did not come, however often it was tried.
    #[error("step {step}, {object}: no lock after {tries} {}{}", if *tries == 1 { "try" } else { "tries" }, in_the_way(blockers))]
    Locked {
        /// The step.
        step: u32,
        /// Its object.
        object: String,
        /// How often.
        tries: u32,
        /// Who was in the way the last time.
        blockers: Vec<Blocker>,
        /// What the server said.
        source: tokio_postgres::Error,
    },
    /// The index is being built by somebody else.
    #[error("step {step}, {object}: backend {pid} is building this index")]
    IndexInProgress {
        /// The step.
        step: u32,
        /// Its object.
        object: String,
        /// The backend that builds.
        pid: i32,
    },
    /// The connection ended while the step ran.
    #[error("step {step}, {object}: the connection was lost: {}", server_words(source))]
    Lost {
        /// The step.
        step: u32,
        /// Its object.
        object: String,
        /// What the driver said.
        source: tokio_postgres::Error,
    },
    /// COMMIT failed.
    #[error("batch {batch}: {} {}", if *lost { "the connection was lost during COMMIT:" } else { "COMMIT failed:" }, server_words(source))]
    Commit {
        /// The batch.
        batch: u32,
        /// Whether the connection is gone: then it is not known here whether the batch was committed.
        lost: bool,
        /// What the server or the driver said.
        source: tokio_postgres::Error,
    },
    /// A statement of trueup's own failed.
    #[error("`{sql}`: {}", server_words(source))]
    Control {
        /// The statement.
        sql: String,
        /// Whether the connection is gone.
        lost: bool,
        /// What the server or the driver said.
        source: tokio_postgres::Error,
    },
    /// A secret that a statement needs is not given.
    #[error("step {step}, {object}: nothing gives a value for the secret {name}")]
    NoSecret {
        /// The step.
        step: u32,
        /// Its object.
        object: String,
        /// What the secret is called.
        name: String,
    },
    /// The server refused a statement, and said a secret when it did.
    #[error(
        "step {step}, {object}: the server refused it, in words that have a secret in them (SQLSTATE {code})"
    )]
    Secret {
        /// The step.
        step: u32,
        /// Its object.
        object: String,
        /// The server's five-letter code.
        code: String,
    },
    /// COMMIT would run what code of another role may have queued for the end of the transaction.
    #[error(
        "step {step} ran code of another role, and COMMIT would fire the deferred trigger {trigger}, in which that code could have more rights"
    )]
    Deferred {
        /// The step.
        step: u32,
        /// The trigger.
        trigger: String,
    },
    /// The bounds of a partition would be computed by code of somebody who is no superuser, with a superuser's rights.
    #[error(
        "step {step}: the bounds of a partition of {table} would be computed by code of {code_of}, with a superuser's rights"
    )]
    Bounds {
        /// The step.
        step: u32,
        /// The partitioned table.
        table: String,
        /// Whose code it is.
        code_of: String,
    },
    /// The observer will not have it.
    #[error("{0}")]
    Observer(Box<dyn std::error::Error + Send + Sync>),
    /// Somebody asked to stop, between two tries.
    #[error("stopped while waiting for a lock")]
    Stopped,
    /// Somebody asked to cancel the statement.
    #[error("the statement was cancelled")]
    Cancelled,
}

impl RunError {
    /// An observer's error.
    pub fn observer(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Observer(error.into())
    }

    /// Whether the connection is gone.
    pub fn is_lost(&self) -> bool {
        match self {
            Self::Lost { .. } => true,
            Self::Commit { lost, .. } | Self::Control { lost, .. } => *lost,
            _ => false,
        }
    }

    /// A statement or a question of trueup's own failed.
    pub(super) fn control(session: &Session, sql: impl Into<String>, source: tokio_postgres::Error) -> Self {
        Self::Control { sql: sql.into(), lost: is_lost(session, &source), source }
    }

    pub(super) fn statement(
        session: &Session,
        item: &Item,
        statement: usize,
        source: tokio_postgres::Error,
    ) -> Self {
        let (step, object) = (item.step, visible_line(&item.object.to_string()).into_owned());
        if is_lost(session, &source) {
            return Self::Lost { step, object, source };
        }
        let sql = item.action.sql.get(statement).map(ToString::to_string).unwrap_or_default();
        Self::Statement { step, object, statement, sql, source }
    }

    /// Whether the same may succeed later: it was about locks.
    pub(super) fn wants_retry(&self) -> bool {
        match self {
            Self::Statement { source, .. } => source.code().is_some_and(is_about_locks),
            _ => false,
        }
    }

    pub(super) fn given_up(self, tries: u32, blockers: Vec<Blocker>) -> Self {
        match self {
            Self::Statement { step, object, source, .. } => {
                Self::Locked { step, object, tries, blockers, source }
            }
            other => other,
        }
    }
}

fn in_the_way(blockers: &[Blocker]) -> String {
    blockers.iter().flat_map(|blocker| ["; in the way: ".to_owned(), blocker.to_string()]).collect()
}

impl RunError {
    /// Whether a value was not one of its type (class 22, data exceptions).
    pub fn is_of_a_value(&self) -> bool {
        let Self::Statement { source, .. } = self else { return false };
        source.code().is_some_and(|code| code.code().starts_with("22"))
    }

    /// Whether a function of the database did not find what its body names.
    pub fn is_of_search_path(&self) -> bool {
        let Self::Statement { source, .. } = self else { return false };
        let Some(error) = source.as_db_error() else { return false };
        let unknown = [SqlState::UNDEFINED_FUNCTION, SqlState::UNDEFINED_TABLE, SqlState::UNDEFINED_OBJECT];
        unknown.contains(error.code()) && error.where_().is_some_and(|context| context.contains(" function "))
    }
}

/// Whether the error means that there is no session any more.
pub fn is_lost(session: &Session, error: &tokio_postgres::Error) -> bool {
    let shutdown =
        [SqlState::ADMIN_SHUTDOWN, SqlState::CRASH_SHUTDOWN, SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT];
    session.is_closed() || error.is_closed() || error.code().is_some_and(|code| shutdown.contains(code))
}
