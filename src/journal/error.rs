//! Why the journal cannot be read or written, or is not believed.

use tokio_postgres::error::SqlState;

use super::LAYOUT;
use crate::{plan::Digest, postgres::server_words};

/// Why the journal cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The role may not make it.
    #[error("role \"{role}\" may not create the schema trueup in database \"{database}\"")]
    MayNotCreate {
        /// The role.
        role: String,
        /// The database.
        database: String,
    },
    /// The role may read it, and not write there.
    #[error("role \"{role}\" may not write to the journal: {}", .lacking.join(", "))]
    MayNotWrite {
        /// The role.
        role: String,
        /// What it lacks: `INSERT on trueup.run`.
        lacking: Vec<String>,
    },
    /// The role may not use it.
    #[error("the journal, schema trueup: {}", server_words(.0))]
    MayNotUse(tokio_postgres::Error),
    /// A newer trueup was here.
    #[error("the journal has layout {found}; this version of trueup knows layout {LAYOUT}")]
    Layout {
        /// The layout found.
        found: i32,
    },
    /// A transaction that has written to it, or has locked it, does not end.
    #[error("the journal is held by another transaction: {}", server_words(.0))]
    Held(tokio_postgres::Error),
    /// Somebody made something else of it.
    #[error("the journal, {name}, is not what trueup made: it has \"{what}\"")]
    NotOurs {
        /// The schema or table.
        name: String,
        /// What there is.
        what: String,
    },
    /// It is somebody's of whom nobody said that he is believed.
    #[error(
        "the journal, {name}, belongs to role \"{owner}\", whose code would run with the rights of this role"
    )]
    Owner {
        /// The schema or table.
        name: String,
        /// The role.
        owner: String,
    },
    /// It holds what trueup never writes.
    #[error("the journal says {what} \"{value}\"")]
    Content {
        /// Which kind of value.
        what: &'static str,
        /// The value.
        value: String,
    },
    /// A plan is not at its end, and what it is cannot be read.
    #[error(
        "the journal has a plan that is not at its end, and this version of trueup cannot read it: {digest}: {why}"
    )]
    Unread {
        /// Its digest.
        digest: Digest,
        /// Why not.
        why: String,
    },
    /// An approval has no bytes.
    #[error("{0}")]
    Approval(String),
    /// The server refused.
    #[error("the journal: {}", server_words(.0))]
    Postgres(tokio_postgres::Error),
}

impl From<tokio_postgres::Error> for JournalError {
    fn from(error: tokio_postgres::Error) -> Self {
        match error.code() {
            Some(&SqlState::INSUFFICIENT_PRIVILEGE) => Self::MayNotUse(error),
            Some(&SqlState::LOCK_NOT_AVAILABLE) => Self::Held(error),
            _ => Self::Postgres(error),
        }
    }
}

impl JournalError {
    /// Whether nothing failed, and yet nothing of it may be believed.
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::NotOurs { .. } | Self::Owner { .. })
    }

    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        use crate::sql::ident;
        Some(match self {
            Self::MayNotCreate { role, database } => format!(
                "GRANT CREATE ON DATABASE {} TO {role}; or once, as its owner: CREATE SCHEMA trueup AUTHORIZATION {role}",
                ident(database),
                role = ident(role)
            ),
            Self::MayNotUse(_) | Self::MayNotWrite { .. } => "apply as the role that applied first, or grant it to yours".to_owned(),
            Self::Layout { .. } => "update trueup".to_owned(),
            Self::NotOurs { .. } => {
                "nothing of it was read; if a newer trueup made it, use that one; else find out who did, and drop or mend it".to_owned()
            }
            Self::Owner { owner, .. } => format!(
                "nothing of it was read; if that role applies here, say so in trueup.toml: [env.NAME] journal_owners = [\"{owner}\"]"
            ),
            Self::Held(_) => {
                "end it: it is in pg_stat_activity, and what it has locked in the schema trueup in pg_locks".to_owned()
            }
            Self::Unread { .. } => {
                "finish, roll back or abandon it with the trueup that applied it".to_owned()
            }
            Self::Approval(_) | Self::Content { .. } | Self::Postgres(_) => return None,
        })
    }
}
