//! Where a database is and how to get in: libpq's settings, resolved.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::config::ChannelBinding;

use super::authentication::RequireAuth;
use super::error::ConnectError;
use super::settings::{self, Settings};
use super::tls::{self, TlsVersions};

/// A password, which shows itself only to the driver.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    /// Takes it in.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The password itself, for the driver.
    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(***)")
    }
}

/// One of the hosts that a target may be found at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// A host name, an address, or (beginning with `/`) the directory of a socket.
    pub(super) name: String,
    /// The address, where the name is not to be looked up.
    pub(super) address: Option<IpAddr>,
    pub(super) port: u16,
    pub(super) password: Option<Password>,
}

impl Host {
    /// Its name, address or directory.
    pub fn name(&self) -> String {
        match self.address {
            Some(address) if self.name.is_empty() => address.to_string(),
            _ => self.name.clone(),
        }
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The file of the socket, if this is one.
    pub fn socket(&self) -> Option<PathBuf> {
        self.is_socket().then(|| Path::new(&self.name).join(format!(".s.PGSQL.{}", self.port)))
    }

    /// Whether this is on this machine, by what is written: a socket, `localhost`, or a loopback address.
    pub fn is_local(&self) -> bool {
        let address = self.address.or_else(|| self.name.parse().ok());
        self.is_socket()
            || address.map_or_else(
                || self.name.eq_ignore_ascii_case("localhost"),
                |address| address.to_canonical().is_loopback(),
            )
    }

    /// Whether this is a directory with a socket.
    pub fn is_socket(&self) -> bool {
        self.name.starts_with('/')
    }
}

/// `sslmode`: whether to encrypt, and whom to believe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SslMode {
    /// Never.
    Disable,
    /// Only if the server insists.
    Allow,
    /// If the server can.
    Prefer,
    /// Always; the server's certificate is not checked.
    Require,
    /// Always; the certificate must be from an authority that is trusted.
    VerifyCa,
    /// Always; the certificate must also be for this host.
    VerifyFull,
}

impl SslMode {
    /// The value as it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Allow => "allow",
            Self::Prefer => "prefer",
            Self::Require => "require",
            Self::VerifyCa => "verify-ca",
            Self::VerifyFull => "verify-full",
        }
    }
}

/// `target_session_attrs`: which of several hosts will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionAttrs {
    /// Any.
    Any,
    /// One whose sessions may write.
    ReadWrite,
    /// One whose sessions may not write.
    ReadOnly,
    /// One that is not a standby.
    Primary,
    /// A standby.
    Standby,
    /// A standby if there is one, else any.
    PreferStandby,
}

impl SessionAttrs {
    /// The value as it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::ReadWrite => "read-write",
            Self::ReadOnly => "read-only",
            Self::Primary => "primary",
            Self::Standby => "standby",
            Self::PreferStandby => "prefer-standby",
        }
    }
}

/// Files for TLS.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct TlsFiles {
    /// The authorities to trust; else the system's.
    pub root: Option<PathBuf>,
    /// The client's certificate and key.
    pub client: Option<(PathBuf, PathBuf)>,
    /// A file of revocation lists.
    pub crl: Option<PathBuf>,
    /// A folder of revocation lists.
    pub crl_dir: Option<PathBuf>,
}

/// How much of a server's certificate is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Checked {
    /// Nothing: whoever answers is believed.
    Nothing,
    /// That an authority which is trusted has signed it.
    Authority,
    /// That, and that it is for the host.
    Name,
}

/// A database, and how to get into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    pub(super) hosts: Vec<Host>,
    pub(super) user: String,
    pub(super) database: String,
    pub(super) ssl_mode: SslMode,
    pub(super) tls_files: TlsFiles,
    pub(super) session_attrs: SessionAttrs,
    pub(super) options: Option<String>,
    pub(super) application_name: String,
    pub(super) connect_timeout: Duration,
    pub(super) channel_binding: ChannelBinding,
    pub(super) direct_tls: bool,
    pub(super) require_auth: RequireAuth,
    pub(super) tls_versions: TlsVersions,
    pub(super) ignored_options: Arc<BTreeSet<String>>,
    /// Whether names mean pg_catalog's from the first statement on, whatever the database or the role has set.
    pub(super) pinned: bool,
    /// The role that trueup's sessions take, if not the user's own.
    pub(super) role: Option<String>,
    /// Roles whose journal is believed.
    pub(super) journal_owners: Arc<BTreeSet<String>>,
}

/// What statements mean hangs on these: trueup's own begin with them. Temporary objects come last: code of the database may
/// have made some in the session.
pub(super) const PINS: [(&str, &str); 3] = [
    ("search_path", "pg_catalog,pg_temp"),
    ("standard_conforming_strings", "on"),
    ("quote_all_identifiers", "off"),
];

impl Target {
    /// A database behind the socket in this directory, without a password.
    pub fn socket(directory: &Path, port: u16, user: &str, database: &str) -> Self {
        Self {
            hosts: vec![Host { name: directory.display().to_string(), address: None, port, password: None }],
            user: user.to_owned(),
            database: database.to_owned(),
            ssl_mode: SslMode::Disable,
            tls_files: TlsFiles::default(),
            session_attrs: SessionAttrs::Any,
            options: None,
            application_name: "trueup".to_owned(),
            connect_timeout: DEFAULT_TIMEOUT,
            channel_binding: ChannelBinding::Prefer,
            direct_tls: false,
            require_auth: RequireAuth::default(),
            tls_versions: TlsVersions::default(),
            ignored_options: Arc::default(),
            pinned: false,
            role: None,
            journal_owners: Arc::default(),
        }
    }

    /// The same server, another database.
    #[must_use]
    pub fn with_database(&self, name: &str) -> Self {
        Self { database: name.to_owned(), ..self.clone() }
    }

    /// The same database, as another role with another password.
    #[must_use]
    pub fn with_user(&self, name: &str, password: Option<&Password>) -> Self {
        let mut target = Self { user: name.to_owned(), ..self.clone() };
        for host in &mut target.hosts {
            host.password = password.cloned();
        }
        target
    }

    /// The same target under another `application_name`.
    #[must_use]
    pub fn with_application_name(&self, name: &str) -> Self {
        Self { application_name: name.to_owned(), ..self.clone() }
    }

    /// The same target for trueup's own statements: in the startup packet already, so that nothing of the database is asked
    /// before, names mean those of pg_catalog.
    #[must_use]
    pub fn for_trueup(&self) -> Self {
        Self { pinned: true, ..self.with_application_name("trueup") }
    }

    /// The same target, in which the journal of these roles is believed, too (`journal_owners`).
    #[must_use]
    pub fn trusting(&self, owners: &BTreeSet<String>) -> Self {
        Self { journal_owners: Arc::new(owners.clone()), ..self.clone() }
    }

    /// The same target, in which every session of trueup takes this role first (`[env.NAME] role`). Its journal is believed.
    #[must_use]
    pub fn with_role(&self, role: Option<&str>) -> Self {
        let owners = self.journal_owners.iter().cloned().chain(role.map(str::to_owned)).collect();
        Self { role: role.map(str::to_owned), journal_owners: Arc::new(owners), ..self.clone() }
    }

    /// The roles whose journal is believed, besides that of the session's own.
    pub fn journal_owners(&self) -> &BTreeSet<String> {
        &self.journal_owners
    }

    /// The same target, of whose catalog options of these names are left out (`[compare] ignore_options`).
    #[must_use]
    pub fn ignoring_options(&self, names: &BTreeSet<String>) -> Self {
        Self { ignored_options: Arc::new(names.clone()), ..self.clone() }
    }

    /// The names of the options that are left out of its catalog.
    pub fn ignored_options(&self) -> &BTreeSet<String> {
        &self.ignored_options
    }

    /// The database's name.
    pub fn database(&self) -> &str {
        &self.database
    }

    /// The role's name.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The hosts, in the order in which they are tried.
    pub fn hosts(&self) -> &[Host] {
        &self.hosts
    }

    /// `sslmode`.
    pub fn ssl_mode(&self) -> SslMode {
        self.ssl_mode
    }

    /// `target_session_attrs`.
    pub fn session_attrs(&self) -> SessionAttrs {
        self.session_attrs
    }

    /// How long one host may take to answer.
    pub fn connect_timeout(&self) -> Duration {
        self.connect_timeout
    }

    /// How much of the server's certificate is checked where TLS is used.
    pub(super) fn checked(&self) -> Checked {
        match self.ssl_mode {
            // As in libpq, an authority's file that is there is also used when only encryption was asked for.
            SslMode::Require if self.tls_files.root.is_some() => Checked::Authority,
            SslMode::Disable | SslMode::Allow | SslMode::Prefer | SslMode::Require => Checked::Nothing,
            SslMode::VerifyCa => Checked::Authority,
            SslMode::VerifyFull => Checked::Name,
        }
    }

    /// The hosts outside this machine of which nobody will check that they are the right ones.
    pub fn unverified_hosts(&self) -> impl Iterator<Item = &Host> {
        self.hosts.iter().filter(|host| self.checked() == Checked::Nothing && !host.is_local())
    }

    pub(super) fn tls_files(&self) -> &TlsFiles {
        &self.tls_files
    }

    /// Role, hosts and database, as in `app@db.example:5432/shop`: for people to read, without secrets.
    pub fn describe(&self) -> String {
        let hosts = self.hosts.iter().map(place).collect::<Vec<_>>().join(",");
        format!("{}@{hosts}/{}", self.user, self.database)
    }

    /// The same for one of the hosts.
    pub(super) fn describe_at(&self, host: &Host) -> String {
        format!("{}@{}/{}", self.user, place(host), self.database)
    }

    /// A driver's configuration for one host. `sslmode` is the caller's, since `allow` takes two attempts.
    pub(super) fn config(&self, host: &Host, ssl: tokio_postgres::config::SslMode) -> tokio_postgres::Config {
        let mut config = tokio_postgres::Config::new();
        config
            .user(&self.user)
            .dbname(&self.database)
            .application_name(&self.application_name)
            .port(host.port)
            .ssl_mode(ssl)
            .channel_binding(self.channel_binding)
            .connect_timeout(self.connect_timeout);
        if host.is_socket() {
            config.host_path(&host.name);
        } else if !host.name.is_empty() {
            config.host(&host.name);
        }
        if let Some(address) = host.address {
            config.hostaddr(address);
        }
        if let Some(password) = &host.password {
            config.password(password.reveal());
        }
        let mut options: Vec<String> = self.options.iter().cloned().collect();
        options.extend(self.pins().map(|(name, value)| format!("-c {name}={}", escaped(value))));
        if !options.is_empty() {
            config.options(options.join(" "));
        }
        if self.direct_tls {
            config.ssl_negotiation(tokio_postgres::config::SslNegotiation::Direct);
        }
        config
    }

    /// What its sessions begin with.
    pub(super) fn pins(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let role = self.role.iter().map(|role| ("role", role.as_str()));
        PINS.into_iter().chain(role).filter(|_| self.pinned)
    }

    /// What TLS needs, from the files that are named; nothing where it is not used.
    pub(super) fn tls(&self) -> Result<Option<tokio_postgres_rustls::MakeRustlsConnect>, ConnectError> {
        let used = self.ssl_mode != SslMode::Disable && !self.hosts.iter().all(Host::is_socket);
        used.then(|| tls::connector(self)).transpose()
    }

    /// Everything as a connection string, with the passwords: only for a pipe to a process of our own.
    pub(super) fn to_conninfo(&self) -> String {
        let mut settings = Settings::new();
        let mut set = |name: &str, value: String| settings.insert(name.to_owned(), value);
        let join = |part: &dyn Fn(&Host) -> String| self.hosts.iter().map(part).collect::<Vec<_>>().join(",");
        set("host", join(&|host| host.name.clone()));
        set("hostaddr", join(&|host| host.address.map(|a| a.to_string()).unwrap_or_default()));
        set("port", join(&|host| host.port.to_string()));
        set("user", self.user.clone());
        set("dbname", self.database.clone());
        set("target_session_attrs", self.session_attrs.as_str().to_owned());
        set("connect_timeout", self.connect_timeout.as_secs().to_string());
        set("sslmode", self.ssl_mode.as_str().to_owned());
        if let Some(root) = &self.tls_files.root {
            set("sslrootcert", root.display().to_string());
        }
        if let Some((certificate, key)) = &self.tls_files.client {
            set("sslcert", certificate.display().to_string());
            set("sslkey", key.display().to_string());
        }
        for (name, path) in [("sslcrl", &self.tls_files.crl), ("sslcrldir", &self.tls_files.crl_dir)] {
            if let Some(path) = path {
                set(name, path.display().to_string());
            }
        }
        if let Some(methods) = self.require_auth.text() {
            set("require_auth", methods.to_owned());
        }
        for (name, version) in self.tls_versions.settings() {
            set(name, version.to_owned());
        }
        if let Some(options) = &self.options {
            set("options", options.clone());
        }
        match self.channel_binding {
            ChannelBinding::Disable => set("channel_binding", "disable".to_owned()),
            ChannelBinding::Require => set("channel_binding", "require".to_owned()),
            _ => None,
        };
        if self.direct_tls {
            set("sslnegotiation", "direct".to_owned());
        }
        if let Some(password) = self.hosts.iter().find_map(|host| host.password.as_ref()) {
            set("password", password.reveal().to_owned());
        }
        settings::write(&settings)
    }
}

/// A value in the startup packet's options: a backslash takes away what a space or a backslash means (`pg_split_opts`).
fn escaped(value: &str) -> String {
    value
        .chars()
        .flat_map(|c| (c == '\\' || c.is_whitespace()).then_some('\\').into_iter().chain([c]))
        .collect()
}

/// How long one host may take to answer, unless told otherwise.
pub(super) const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

fn place(host: &Host) -> String {
    let name = host.name();
    if host.is_socket() {
        format!("{name}:{}", host.port)
    } else if name.contains(':') {
        format!("[{name}]:{}", host.port)
    } else {
        format!("{name}:{}", host.port)
    }
}
