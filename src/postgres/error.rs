//! Why a connection failed, in a line, and what to do about it.

use std::error::Error as _;
use std::io::ErrorKind;
use std::path::PathBuf;

use tokio_postgres::error::SqlState;

use super::authentication::Refusal;
use super::target::{Host, Target};
use super::transport::Failure;

/// Why there is no connection. Every variant that has a target names it, without its password.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The URL, a connection string, a variable or a file of settings is not understood.
    #[error("{origin}: {problem}")]
    Settings {
        /// Where the setting was written: `connection URL`, `PGPORT`, a file.
        origin: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A file that a setting names cannot be read.
    #[error("cannot read {what} {}: {source}", path.display())]
    File {
        /// What the file is for.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// trueup.toml names a host that this environment's password, or its secrets, are not for.
    #[error("{}: its url names host \"{host}\", which may not be sent {what} of this environment", file.display())]
    HostNotAllowed {
        /// The trueup.toml.
        file: PathBuf,
        /// The host, or its address.
        host: String,
        /// What it would be sent: `a password`, `secrets`.
        what: &'static str,
    },
    /// A file for TLS is there, and cannot be used as it is.
    #[error("{what}: {problem}")]
    TlsFile {
        /// The setting and the file.
        what: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Nothing listens there.
    #[error("{target}: connection refused")]
    Refused {
        /// Where to.
        target: String,
    },
    /// The socket is not there.
    #[error("{target}: there is no socket {}", path.display())]
    NoSocket {
        /// Where to.
        target: String,
        /// The socket's file.
        path: PathBuf,
    },
    /// The socket is there, but this user may not use it.
    #[error("{target}: no permission for the socket {}", path.display())]
    SocketPermission {
        /// Where to.
        target: String,
        /// The socket's file.
        path: PathBuf,
    },
    /// The name of the host has no address.
    #[error("{target}: host \"{host}\" not found")]
    HostNotFound {
        /// Where to.
        target: String,
        /// The name.
        host: String,
    },
    /// There was no answer in time.
    #[error("{target}: no answer within {seconds} s")]
    Timeout {
        /// Where to.
        target: String,
        /// How long it was waited.
        seconds: u64,
    },
    /// The server asks for a password, and there is none.
    #[error("{target}: the server wants a password for \"{user}\", and none was given")]
    NoPassword {
        /// Where to.
        target: String,
        /// The role.
        user: String,
    },
    /// The password, or another proof of identity, was not accepted.
    #[error("{target}: wrong password for \"{user}\"")]
    WrongPassword {
        /// Where to.
        target: String,
        /// The role.
        user: String,
    },
    /// The server knows no such role, or it may not log in.
    #[error("{target}: {message}")]
    UnknownRole {
        /// Where to.
        target: String,
        /// The server's words, which name the role.
        message: String,
    },
    /// The server has no such database.
    #[error("{target}: database \"{database}\" does not exist")]
    UnknownDatabase {
        /// Where to.
        target: String,
        /// The database.
        database: String,
    },
    /// The server's `pg_hba.conf` does not let this user in from here, or not in this way.
    #[error("{target}: {message}")]
    NotAllowed {
        /// Where to.
        target: String,
        /// The server's words.
        message: String,
    },
    /// The server starts, stops, or has no connection left.
    #[error("{target}: {message}")]
    Unavailable {
        /// Where to.
        target: String,
        /// The server's words.
        message: String,
    },
    /// The encrypted connection did not come about.
    #[error("{target}: TLS failed: {problem}")]
    Tls {
        /// Where to.
        target: String,
        /// What is wrong.
        problem: String,
    },
    /// The server asks for what it must not have.
    #[error("{target}: {}", refusal.0)]
    Authentication {
        /// Where to.
        target: String,
        /// What it asks for, and why it is not given.
        refusal: RefusedRequest,
    },
    /// None of the hosts is of the wanted kind.
    #[error("{target}: no host is what target_session_attrs={wanted} asks for")]
    SessionAttrs {
        /// Where to.
        target: String,
        /// The setting's value.
        wanted: &'static str,
    },
    /// This version of PostgreSQL is not supported.
    #[error("{target}: PostgreSQL {major} is not supported")]
    Version {
        /// Where to.
        target: String,
        /// The major version.
        major: u16,
    },
    /// Anything else.
    #[error("{target}: {message}")]
    Other {
        /// Where to.
        target: String,
        /// What was said.
        message: String,
        /// The driver's error.
        #[source]
        source: Option<tokio_postgres::Error>,
    },
}

/// A server's request that is not answered.
#[derive(Debug)]
pub struct RefusedRequest(Refusal);

impl ConnectError {
    /// What to do next, in one sentence.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Settings { .. } => {
                "write it as postgres://user@host:port/database?sslmode=require, or use the PG* variables"
            }
            Self::HostNotAllowed { .. } => {
                "if it may have it, set TRUEUP_ALLOWED_HOSTS to that host (or to a list, with *.example.com for all below); or \
                 name the database with --url or url_env"
            }
            Self::TlsFile { .. } => {
                "sslrootcert names a file with the certificate (PEM) of the authority that signed the server's; sslkey is \
                 for its owner alone"
            }
            Self::File { .. } => "check the path and the file's permissions",
            Self::Refused { .. } => "check host and port, and that the server runs and listens there",
            Self::NoSocket { .. } => {
                "start the server, or name its host with --url postgres://host/database or PGHOST"
            }
            Self::SocketPermission { .. } => "run as a user who may use the socket, or connect by host name",
            Self::HostNotFound { .. } => "check the name for typos, and that this machine's DNS knows it",
            Self::Timeout { .. } => {
                "check host, port and firewalls; PGCONNECT_TIMEOUT or connect_timeout sets the seconds to wait"
            }
            Self::NoPassword { .. } => "give it with PGPASSWORD or in ~/.pgpass (chmod 600)",
            Self::WrongPassword { .. } => "check the role's name, and PGPASSWORD, ~/.pgpass or the URL",
            Self::UnknownRole { .. } => "check the name, or create the role with LOGIN",
            Self::UnknownDatabase { .. } => "check the name; psql -l lists the databases that there are",
            Self::NotAllowed { .. } => {
                "pg_hba.conf on the server must allow this user, database and address; it may ask for \
                 sslmode=require or a client certificate (sslcert, sslkey)"
            }
            Self::Unavailable { .. } => "try again in a moment",
            Self::Tls { .. } => {
                "sslrootcert=FILE names the authority to trust; sslmode=require encrypts without checking the \
                 server; see whether the server has ssl = on"
            }
            Self::Authentication { refusal, .. } => refusal.0.hint(),
            Self::SessionAttrs { .. } => "name the primary among the hosts, or change target_session_attrs",
            Self::Version { .. } => "trueup works with PostgreSQL 14 to 18",
            Self::Other { .. } => "try the same settings with psql",
        }
    }

    /// Tells what a failure at this host means.
    pub(super) fn of(failure: Failure, target: &Target, host: &Host) -> Self {
        match failure {
            Failure::Wire(error) => Self::of_wire(&error, target, host).unwrap_or_else(|| Self::Other {
                target: target.describe_at(host),
                message: error.to_string(),
                source: None,
            }),
            Failure::Driver(error) => Self::of_driver(error, target, host),
        }
    }

    fn of_wire(error: &std::io::Error, target: &Target, host: &Host) -> Option<Self> {
        let at = target.describe_at(host);
        Some(match (error.kind(), host.socket()) {
            (ErrorKind::TimedOut, _) => {
                Self::Timeout { target: at, seconds: target.connect_timeout().as_secs() }
            }
            (ErrorKind::NotFound, Some(path)) => Self::NoSocket { target: at, path },
            (ErrorKind::PermissionDenied, Some(path)) => Self::SocketPermission { target: at, path },
            (ErrorKind::ConnectionRefused, _) => Self::Refused { target: at },
            _ if error.to_string().contains("failed to lookup address") => {
                Self::HostNotFound { target: at, host: host.name() }
            }
            _ => return None,
        })
    }

    fn of_driver(error: tokio_postgres::Error, target: &Target, host: &Host) -> Self {
        let at = target.describe_at(host);
        let user = || target.user().to_owned();
        if let Some(db) = error.as_db_error() {
            let message = db.message().to_owned();
            return match db.code() {
                code if *code == SqlState::INVALID_PASSWORD => {
                    Self::WrongPassword { target: at, user: user() }
                }
                code if *code == SqlState::INVALID_AUTHORIZATION_SPECIFICATION => {
                    // By the function that refused, since the message may be translated.
                    if db.routine() == Some("InitializeSessionUserId") {
                        Self::UnknownRole { target: at, message }
                    } else {
                        Self::NotAllowed { target: at, message }
                    }
                }
                code if *code == SqlState::INVALID_CATALOG_NAME => {
                    Self::UnknownDatabase { target: at, database: target.database().to_owned() }
                }
                code if *code == SqlState::CANNOT_CONNECT_NOW || *code == SqlState::TOO_MANY_CONNECTIONS => {
                    Self::Unavailable { target: at, message }
                }
                _ => Self::Other { target: at, message, source: Some(error) },
            };
        }
        let text = sources(&error);
        if text.contains("password missing") {
            return Self::NoPassword { target: at, user: user() };
        }
        // Some ways to fail TLS arrive as an I/O error: rustls wraps its own in one.
        if let Some(problem) = tls_problem(&error) {
            return Self::Tls { target: at, problem };
        }
        let io = io_error(&error);
        if let Some(refusal) = io.and_then(|io| io.get_ref()?.downcast_ref::<Refusal>()) {
            return Self::Authentication { target: at, refusal: RefusedRequest(refusal.clone()) };
        }
        io.and_then(|io| Self::of_wire(io, target, host)).unwrap_or(Self::Other {
            target: at,
            message: text,
            source: Some(error),
        })
    }

    /// Whether the next of several hosts may do better.
    pub(super) fn is_of_this_host_only(&self) -> bool {
        matches!(
            self,
            Self::Refused { .. }
                | Self::NoSocket { .. }
                | Self::SocketPermission { .. }
                | Self::HostNotFound { .. }
                | Self::Timeout { .. }
                | Self::Unavailable { .. }
                | Self::SessionAttrs { .. }
                | Self::Other { .. }
        )
    }
}

/// The error and its causes in one line.
fn sources(error: &tokio_postgres::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let words = inner.to_string();
        if !text.contains(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        cause = inner.source();
    }
    text
}

fn io_error(error: &tokio_postgres::Error) -> Option<&std::io::Error> {
    error.source()?.downcast_ref()
}

/// What kept TLS from coming about, if that is what failed.
pub(super) fn tls_problem(error: &tokio_postgres::Error) -> Option<String> {
    let text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        if let Some(io) = inner.downcast_ref::<std::io::Error>()
            && let Some(tls) = io.get_ref().and_then(|e| e.downcast_ref::<rustls::Error>())
        {
            return Some(tls_words(tls));
        }
        if let Some(tls) = inner.downcast_ref::<rustls::Error>() {
            return Some(tls_words(tls));
        }
        cause = inner.source();
    }
    text.contains("TLS").then(|| {
        if sources(error).contains("server does not support TLS") {
            "the server does not offer it".to_owned()
        } else {
            sources(error)
        }
    })
}

fn tls_words(error: &rustls::Error) -> String {
    use rustls::{CertificateError as Bad, Error, OtherError};
    match error {
        Error::InvalidCertificate(Bad::UnknownIssuer) => {
            "the server's certificate is not from an authority that is trusted".to_owned()
        }
        Error::InvalidCertificate(Bad::NotValidForName | Bad::NotValidForNameContext { .. }) => {
            "the server's certificate is for another host name".to_owned()
        }
        Error::InvalidCertificate(Bad::Expired | Bad::ExpiredContext { .. }) => {
            "the server's certificate has expired".to_owned()
        }
        Error::InvalidCertificate(Bad::Revoked) => "the server's certificate is revoked".to_owned(),
        Error::InvalidCertificate(Bad::UnknownRevocationStatus) => {
            "sslcrl has no revocation list of the authority of a certificate in the server's chain".to_owned()
        }
        Error::InvalidCertificate(Bad::ExpiredRevocationList | Bad::ExpiredRevocationListContext { .. }) => {
            "a revocation list of sslcrl is too old: its next update is due".to_owned()
        }
        Error::InvalidCertificate(Bad::Other(OtherError(reason))) => reason.to_string(),
        Error::AlertReceived(alert) => format!("the server refused: {alert:?}"),
        other => other.to_string(),
    }
}
