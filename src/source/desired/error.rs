//! What can be wrong with the desired SQL: always with the place, and with what to do.

use std::{fmt, path::PathBuf};

use crate::annotation::Location;

/// One thing that is wrong with the desired SQL as it is written.
#[derive(Debug, thiserror::Error)]
pub enum DesiredError {
    /// A file or folder that is not there.
    #[error("{}: no such file or folder\n  give the files or folders that hold the desired SQL", .0.display())]
    NotFound(PathBuf),
    /// A file or folder that trueup.toml names, itself or by a link, and may not.
    #[error(
        "{}: it lies outside the project ({}), and trueup.toml names it\n  move it into the project, or name it with --schema",
        path.display(), project.display()
    )]
    Outside {
        /// As it is named.
        path: PathBuf,
        /// The folder in which it must lie, outside `.git`.
        project: PathBuf,
    },
    /// A folder without SQL.
    #[error("{}: the folder holds no file whose name ends in .sql", .0.display())]
    NoSql(PathBuf),
    /// A file that cannot be read.
    #[error("{}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file that is not UTF-8.
    #[error("{0}: not UTF-8 from here on\n  save the file as UTF-8 (`iconv -f LATIN1 -t UTF-8`)")]
    NotUtf8(Location),
    /// SQL that does not parse.
    #[error("{at}: {message}")]
    Syntax {
        /// Where PostgreSQL's parser stopped.
        at: Location,
        /// What it said.
        message: String,
    },
    /// A statement that has no place in a desired schema.
    #[error("{at}: {what} does not belong in the desired schema\n  {advice}")]
    Refused {
        /// Where it begins.
        at: Location,
        /// What it is: `UPDATE`, `the psql command \i`.
        what: String,
        /// What to do.
        advice: String,
    },
    /// The system gives no thread to parse on.
    #[error("no thread to parse SQL on: {0}")]
    NoThread(std::io::Error),
    /// A `${name}` that the environment has no value for.
    #[error(
        "{at}: there is no value for ${{{name}}}\n  give it in trueup.toml: [env.NAME] values = {{ {name} = \"…\" }}, and plan with --env"
    )]
    NoValue {
        /// Where it stands.
        at: Location,
        /// The name.
        name: String,
    },
    /// A `${name}` where nobody knows how its value is written.
    #[error(
        "{at}: the value of ${{{name}}} cannot stand in U&'…', where anything may escape\n  write the string in plain quotes"
    )]
    NoPlace {
        /// Where it stands.
        at: Location,
        /// The name.
        name: String,
    },
    /// An annotation that is not one.
    #[error("{at}: {message}")]
    Annotation {
        /// Where its `@` is.
        at: Location,
        /// What is wrong with it and what to do.
        message: String,
    },
}

/// Everything that is wrong with the desired SQL, in the order of the files. Never empty.
#[derive(Debug, thiserror::Error)]
pub struct DesiredErrors(pub Vec<DesiredError>);

impl fmt::Display for DesiredErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_all(f, &self.0)
    }
}

/// A statement that PostgreSQL refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// Where in the files: the place PostgreSQL points at, else where the statement begins.
    pub at: Location,
    /// Where the statement begins.
    pub statement: Location,
    /// PostgreSQL's message.
    pub message: String,
    /// PostgreSQL's detail.
    pub detail: Option<String>,
    /// PostgreSQL's hint.
    pub hint: Option<String>,
    /// PostgreSQL's five-letter code.
    pub code: String,
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.at, self.message)?;
        for line in [&self.detail, &self.hint].into_iter().flatten() {
            write!(f, "\n  {line}")?;
        }
        Ok(())
    }
}

/// Why the desired SQL did not load.
#[derive(Debug, thiserror::Error)]
pub enum LoadErrors {
    /// Statements that PostgreSQL refused even after everything else was there. Never empty.
    #[error("{}", Lines(rejected))]
    Rejected {
        /// The statements, in the order of the files.
        rejected: Vec<Rejected>,
        /// Roles that loading created before.
        created_roles: Vec<String>,
    },
    /// Roles that are named and do not exist, where none may be created. Never empty.
    #[error(
        "the desired SQL names roles that do not exist: {}\n  create them first: trueup never creates roles on a cluster that holds a target",
        .0.join(", ")
    )]
    MissingRoles(Vec<String>),
    /// The connection failed.
    #[error("loading the desired SQL failed: {0}")]
    Connection(#[from] tokio_postgres::Error),
}

struct Lines<'a>(&'a [Rejected]);

impl fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_all(f, self.0)
    }
}

fn write_all<T: fmt::Display>(f: &mut fmt::Formatter<'_>, all: &[T]) -> fmt::Result {
    for (index, one) in all.iter().enumerate() {
        write!(f, "{}{one}", if index == 0 { "" } else { "\n" })?;
    }
    Ok(())
}
