//! One connection, and everything that the server says on it.

use std::collections::{BTreeMap, BTreeSet};
use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_postgres::config::SslMode as DriverSsl;
use tokio_postgres::error::SqlState;
use tokio_postgres::{AsyncMessage, CancelToken, Client, Row, SimpleQueryMessage, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::binaries::SUPPORTED;
use super::error::ConnectError;
use super::superuser::Superuser;
use super::target::{Checked, Host, SessionAttrs, SslMode, Target};
use super::transport::{self, Address, Driver, Failure, Opened};
use crate::sql::{self, Sql};

/// Something that the server said on the side: a notice, a warning, a debug message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// `NOTICE`, `WARNING`, `INFO`, `LOG` or `DEBUG1` to `DEBUG5`'s common name `DEBUG`; never translated.
    pub severity: String,
    /// The SQLSTATE, five characters.
    pub code: String,
    /// The message.
    pub message: String,
    /// More about it.
    pub detail: Option<String>,
    /// What to do.
    pub hint: Option<String>,
    /// Where it came from, as in a function's call stack.
    pub context: Option<String>,
}

type Notices = Arc<Mutex<Vec<Notice>>>;

/// What a new connection is asked first.
const FACTS: &str = "SELECT pg_catalog.pg_backend_pid() AS pid, \
     pg_catalog.current_setting('server_version_num') AS version, \
     pg_catalog.current_setting('is_superuser') AS superuser, \
     pg_catalog.pg_is_in_recovery() AS standby, \
     pg_catalog.current_setting('transaction_read_only') AS read_only";

/// A connection to a target. It ends when this is dropped.
pub struct Session {
    client: Client,
    driver: JoinHandle<()>,
    notices: Notices,
    canceller: Canceller,
    encrypted: bool,
    target: Target,
    host: Host,
    place: String,
    facts: Facts,
    prepared: Option<Mutex<BTreeMap<&'static str, Statement>>>,
    superuser: Option<Superuser>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Facts {
    pid: i32,
    version: u32,
    superuser: bool,
    standby: bool,
    read_only: bool,
}

/// Why a connection to another machine is not safe from who stands between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unverified {
    /// There is no TLS.
    NotEncrypted,
    /// There is, with whoever answered: sslmode is below `verify-ca`, so the server's certificate is not checked.
    NotChecked,
}

impl std::fmt::Display for Unverified {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::NotEncrypted => "the connection is not encrypted",
            Self::NotChecked => "the server's certificate is not checked",
        })
    }
}

/// Cancels what a session is doing, from anywhere.
#[derive(Clone)]
pub struct Canceller {
    token: CancelToken,
    tls: Option<MakeRustlsConnect>,
    address: Address,
    host: Host,
    limit: Duration,
}

impl Canceller {
    /// Asks the server to cancel the session's current statement. That it was asked does not mean that it was in time.
    pub async fn cancel(&self) -> std::io::Result<()> {
        transport::cancel(&self.token, &self.address, &self.host, self.tls.as_ref(), self.limit).await
    }
}

impl std::fmt::Debug for Canceller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Canceller")
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("place", &self.place)
            .field("pid", &self.facts.pid)
            .finish_non_exhaustive()
    }
}

impl Session {
    /// Connects to the first of the target's hosts that answers and is of the wanted kind.
    ///
    /// Needs a Tokio runtime; the task that moves the bytes lives in it.
    pub async fn connect(target: &Target) -> Result<Self, ConnectError> {
        let tls = target.tls()?;
        let wanted = target.session_attrs();
        let mut spare = None;
        let mut unsuitable = false;
        let mut first_error = None;
        for host in target.hosts() {
            match Self::connect_to(target, host, tls.as_ref()).await {
                Ok(session) if session.suits(wanted) => return Ok(session),
                Ok(session) if wanted == SessionAttrs::PreferStandby => spare = spare.or(Some(session)),
                Ok(_) => unsuitable = true,
                Err(error) if error.is_of_this_host_only() && target.hosts().len() > 1 => {
                    tracing::debug!("{error}");
                    first_error = first_error.or(Some(error));
                }
                Err(error) => return Err(error),
            }
        }
        if let Some(session) = spare {
            return Ok(session);
        }
        match first_error {
            // That a host did not answer is no news if another one did, and does not suit.
            Some(error) if !unsuitable => Err(error),
            _ => Err(ConnectError::SessionAttrs { target: target.describe(), wanted: wanted.as_str() }),
        }
    }

    /// The roles whose journal is believed, besides its own.
    pub fn journal_owners(&self) -> &BTreeSet<String> {
        self.target.journal_owners()
    }

    /// The names of the options that are left out of its database's catalog.
    pub fn ignored_options(&self) -> &BTreeSet<String> {
        self.target.ignored_options()
    }

    /// Another connection to the host that answered, as the user that this one began as.
    pub async fn sibling(&self) -> Result<Self, ConnectError> {
        Self::connect_to(&self.target, &self.host, self.target.tls()?.as_ref()).await
    }

    async fn connect_to(
        target: &Target,
        host: &Host,
        tls: Option<&MakeRustlsConnect>,
    ) -> Result<Self, ConnectError> {
        let attempt = async {
            match target.ssl_mode() {
                // A server that insists on encryption says so in its refusal.
                SslMode::Allow => match Self::start(target, host, tls, DriverSsl::Disable).await {
                    Err(error) if error.as_db_error().is_some() => {
                        Self::start(target, host, tls, DriverSsl::Require).await.map_err(|_| error)
                    }
                    result => result,
                },
                SslMode::Prefer => match Self::start(target, host, tls, DriverSsl::Prefer).await {
                    // TLS that was tried and failed is no reason not to connect when it was only preferred.
                    Err(error) if error.is_of_tls() => {
                        Self::start(target, host, tls, DriverSsl::Disable).await.map_err(|_| error)
                    }
                    result => result,
                },
                SslMode::Disable => Self::start(target, host, tls, DriverSsl::Disable).await,
                SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => {
                    let ssl = if host.is_socket() { DriverSsl::Disable } else { DriverSsl::Require };
                    Self::start(target, host, tls, ssl).await
                }
            }
        };
        // The driver's own limit covers the first answer of the network only, not that of the server.
        match tokio::time::timeout(target.connect_timeout(), Box::pin(attempt)).await {
            Ok(Ok(session)) if SUPPORTED.contains(&session.major()) => Ok(session),
            Ok(Ok(session)) => {
                Err(ConnectError::Version { target: target.describe_at(host), major: session.major() })
            }
            Ok(Err(error)) => Err(ConnectError::of(error, target, host)),
            Err(_) => Err(ConnectError::Timeout {
                target: target.describe_at(host),
                seconds: target.connect_timeout().as_secs(),
            }),
        }
    }

    async fn start(
        target: &Target,
        host: &Host,
        tls: Option<&MakeRustlsConnect>,
        ssl: DriverSsl,
    ) -> Result<Self, Failure> {
        let started = transport::connect(target, host, tls, ssl).await;
        let (pins, opened) = match started {
            // a pooler that takes no settings in the startup packet gets them as the first statement
            Err(error)
                if target.pinned
                    && error.as_db_error().is_some_and(|db| *db.code() == SqlState::PROTOCOL_VIOLATION) =>
            {
                let pin = |(name, value): (&str, &str)| {
                    let value = if name == "role" { sql::literal(value) } else { value.to_owned() };
                    format!("SET {name} TO {value}; ")
                };
                let plain = Target { pinned: false, ..target.clone() };
                (target.pins().map(pin).collect(), transport::connect(&plain, host, tls, ssl).await?)
            }
            started => (String::new(), started?),
        };
        let Opened { client, driver, address, encrypted } = opened;
        let notices = Notices::default();
        let driver = tokio::spawn(drive(driver, Arc::clone(&notices)));
        let canceller = Canceller {
            token: client.cancel_token(),
            tls: tls.cloned(),
            address,
            host: host.clone(),
            limit: target.connect_timeout(),
        };
        let mut facts = Facts::default();
        for message in client.simple_query(&format!("{pins}{FACTS}")).await? {
            if let SimpleQueryMessage::Row(row) = message {
                let text = |name: &str| row.get(name).unwrap_or_default();
                facts = Facts {
                    pid: text("pid").parse().unwrap_or_default(),
                    version: text("version").parse().unwrap_or_default(),
                    superuser: text("superuser") == "on",
                    standby: text("standby") == "t",
                    read_only: text("read_only") == "on",
                };
            }
        }
        let place = target.describe_at(host);
        Ok(Self {
            client,
            driver,
            notices,
            canceller,
            encrypted,
            target: target.clone(),
            host: host.clone(),
            place,
            facts,
            prepared: None,
            superuser: None,
        })
    }

    fn suits(&self, wanted: SessionAttrs) -> bool {
        match wanted {
            SessionAttrs::Any => true,
            SessionAttrs::ReadWrite => !self.facts.standby && !self.facts.read_only,
            SessionAttrs::ReadOnly => self.facts.standby || self.facts.read_only,
            SessionAttrs::Primary => !self.facts.standby,
            SessionAttrs::Standby | SessionAttrs::PreferStandby => self.facts.standby,
        }
    }

    /// The driver's client.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The driver's client for what needs it mutable, such as its transactions.
    pub fn client_mut(&mut self) -> &mut Client {
        &mut self.client
    }

    /// Has [`Session::ask`] prepare what it is asked. For throwaway servers only: behind a pooler the next statement meets another
    /// backend, and code of a database (an index's expression, say) can put its own statement in the place of a prepared one.
    pub fn prepare_queries(&mut self) {
        self.prepared = Some(Mutex::default());
    }

    /// Runs a query; one that was prepared before, if there is one. Planning a query over a dozen catalogs takes the
    /// server longer than running it.
    pub async fn ask(&self, query: &'static str) -> Result<Vec<Row>, tokio_postgres::Error> {
        let Some(prepared) = &self.prepared else { return self.client.query_typed(query, &[]).await };
        let known = prepared.lock().unwrap_or_else(PoisonError::into_inner).get(query).cloned();
        let statement = if let Some(statement) = known {
            statement
        } else {
            let statement = self.client.prepare(query).await?;
            let mut prepared = prepared.lock().unwrap_or_else(PoisonError::into_inner);
            prepared.insert(query, statement.clone());
            statement
        };
        self.client.query(&statement, &[]).await
    }

    /// Has [`Session::execute`] do what only superusers may, though its role is none. For throwaway servers only.
    pub(super) fn with_superuser(mut self, superuser: Superuser) -> Self {
        self.superuser = Some(superuser);
        self
    }

    /// Runs one statement. It comes to nothing when this is not waited for, or something is sent meanwhile, unless it
    /// [`goes with others`](Self::goes_with_others).
    pub async fn execute(&self, statement: &str) -> Result<(), tokio_postgres::Error> {
        match &self.superuser {
            Some(superuser) => superuser.execute(&self.client, statement).await,
            None => self.client.batch_execute(statement).await,
        }
    }

    /// Whether a statement may be sent together with others.
    pub fn goes_with_others(&self, statement: &str) -> bool {
        self.superuser.is_none() || !Superuser::may_be_needed(statement)
    }

    /// Runs statements in one transaction, many at a time.
    pub async fn execute_all(&self, statements: &[Sql]) -> Result<(), tokio_postgres::Error> {
        let all = async {
            self.client.batch_execute("BEGIN").await?;
            let apart: Vec<bool> =
                statements.iter().map(|sql| !self.goes_with_others(sql.as_str())).collect();
            let mut at = 0;
            for run in apart.chunk_by(|one, next| !one && !next) {
                let together = &statements[at..at + run.len()];
                at += run.len();
                if let ([true], [only]) = (run, together) {
                    self.execute(only.as_str()).await?;
                } else {
                    let script: String = together.iter().map(|sql| format!("{sql};\n")).collect();
                    self.client.batch_execute(&script).await?;
                }
            }
            self.client.batch_execute("COMMIT").await
        };
        let result = all.await;
        if result.is_err() {
            let _ = self.client.batch_execute("ROLLBACK").await;
        }
        result
    }

    /// What this is connected to.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// The host that answered, as in [`Target::describe`].
    pub fn place(&self) -> &str {
        &self.place
    }

    /// The backend's process id on the server.
    pub fn backend_pid(&self) -> i32 {
        self.facts.pid
    }

    /// `server_version_num`, as in 150014.
    pub fn server_version_num(&self) -> u32 {
        self.facts.version
    }

    /// The major version, as in 15.
    pub fn major(&self) -> u16 {
        u16::try_from(self.facts.version / 10_000).unwrap_or(u16::MAX)
    }

    /// Whether the role is a superuser.
    pub fn is_superuser(&self) -> bool {
        self.facts.superuser
    }

    /// Whether the server was a standby when this connected.
    pub fn is_standby(&self) -> bool {
        self.facts.standby
    }

    /// Why it is not certain that this is the right server and that nobody reads along; nothing if it is, or if the
    /// connection does not leave this machine.
    pub fn unverified(&self) -> Option<Unverified> {
        if self.canceller.address.is_local() {
            None
        } else if !self.encrypted {
            Some(Unverified::NotEncrypted)
        } else {
            (self.target.checked() == Checked::Nothing).then_some(Unverified::NotChecked)
        }
    }

    /// Whether the connection has ended, whoever ended it.
    pub fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Something that cancels the current statement, and can be handed to another task.
    pub fn canceller(&self) -> Canceller {
        self.canceller.clone()
    }

    /// What the server said on the side since the last time.
    ///
    /// The server says such things before it reports the statement as done, and one task reads both: after a
    /// `simple_query` or `batch_execute` has returned, everything that it caused is here. Other calls return at
    /// the report of the last row; [`Session::settle`] waits for what comes at the end of the transaction, too.
    pub fn take_notices(&self) -> Vec<Notice> {
        std::mem::take(&mut *self.notices.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits until the server is done with everything that was sent before.
    pub async fn settle(&self) -> Result<(), tokio_postgres::Error> {
        self.client.batch_execute("").await
    }

    /// Ends the connection and waits until the server has been told.
    pub async fn close(self) {
        drop(self.client);
        // The task ends by itself once nobody can send any more.
        let _ = self.driver.await;
    }
}

/// Reads and writes until the connection ends, keeping what the server says on the side.
async fn drive(connection: Driver, notices: Notices) {
    let mut connection = pin!(connection);
    while let Some(message) = poll_fn(|context| connection.poll_message(context)).await {
        match message {
            Ok(AsyncMessage::Notice(notice)) => {
                let severity = notice
                    .parsed_severity()
                    .map_or_else(|| notice.severity().to_owned(), |severity| severity.to_string());
                let notice = Notice {
                    severity,
                    code: notice.code().code().to_owned(),
                    message: notice.message().to_owned(),
                    detail: notice.detail().map(str::to_owned),
                    hint: notice.hint().map(str::to_owned),
                    context: notice.where_().map(str::to_owned),
                };
                notices.lock().unwrap_or_else(PoisonError::into_inner).push(notice);
            }
            Ok(_) => {}
            Err(error) => {
                tracing::debug!("connection ended: {error}");
                return;
            }
        }
    }
}
