//! Where a database is and how to get in: libpq's settings, resolved.

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio_postgres::config::ChannelBinding;

use super::error::ConnectError;
use super::settings::{self, Settings};
use super::{passfile, tls};

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
}

/// A database, and how to get into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    hosts: Vec<Host>,
    user: String,
    database: String,
    ssl_mode: SslMode,
    tls_files: TlsFiles,
    session_attrs: SessionAttrs,
    options: Option<String>,
    application_name: String,
    connect_timeout: Duration,
    channel_binding: ChannelBinding,
    direct_tls: bool,
}

impl Target {
    /// Where `url` and the environment point to: the URL's settings first, then those of its service, then
    /// variables, then libpq's defaults. Without a URL, variables and defaults alone.
    ///
    /// `env` looks up a variable. Files that settings name are read: services, passwords; those of TLS are read
    /// when connecting.
    pub fn resolve(url: Option<&str>, env: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConnectError> {
        let account = nix::unistd::User::from_uid(nix::unistd::geteuid()).ok().flatten();
        let home = env("HOME")
            .filter(|home| !home.is_empty())
            .map(PathBuf::from)
            .or_else(|| account.as_ref().map(|a| a.dir.clone()));

        let mut given = url.map(settings::parse).transpose()?.unwrap_or_default();
        let defaults = settings::from_env(env);
        if let Some(service) = given.get("service").or_else(|| defaults.get("service")) {
            let files = service_files(
                given.get("servicefile").or_else(|| defaults.get("servicefile")),
                home.as_deref(),
                env,
            );
            for (name, value) in settings::service(service, &files)? {
                given.entry(name).or_insert(value);
            }
        }
        for (name, value) in defaults {
            given.entry(name).or_insert(value);
        }
        given.retain(|_, value| !value.is_empty());
        let user = given.get("user").cloned().or_else(|| account.map(|a| a.name)).or_else(|| env("USER"));
        let Some(user) = user else {
            return Err(wrong("user", "there is no user name: give one with PGUSER or in the URL"));
        };
        Self::from_settings(&given, user, home.as_deref())
    }

    fn from_settings(given: &Settings, user: String, home: Option<&Path>) -> Result<Self, ConnectError> {
        let database = given.get("dbname").unwrap_or(&user).clone();
        let mut hosts = hosts(given)?;
        let passfile =
            given.get("passfile").map(PathBuf::from).or_else(|| home.map(|home| home.join(".pgpass")));
        for host in &mut hosts {
            host.password = match (given.get("password"), &passfile) {
                (Some(password), _) => Some(Password::new(password)),
                (None, Some(file)) => {
                    // libpq looks a socket in its default directory up as localhost.
                    let name = host.name();
                    let name = if SOCKET_DIRS.contains(&name.as_str()) { "localhost" } else { &name };
                    passfile::look_up(file, name, host.port, &database, &user)
                }
                (None, None) => None,
            };
        }
        let system_roots = given.get("sslrootcert").is_some_and(|root| root == "system");
        let ssl_mode = match given.get("sslmode").map(String::as_str) {
            None if system_roots => SslMode::VerifyFull,
            None | Some("prefer") => SslMode::Prefer,
            Some("disable") => SslMode::Disable,
            Some("allow") => SslMode::Allow,
            Some("require") => SslMode::Require,
            Some("verify-ca") => SslMode::VerifyCa,
            Some("verify-full") => SslMode::VerifyFull,
            Some(other) => {
                let values = "disable, allow, prefer, require, verify-ca or verify-full";
                return Err(wrong("sslmode", &format!("\"{other}\" is none of {values}")));
            }
        };
        let session_attrs = match given.get("target_session_attrs").map(String::as_str) {
            None | Some("any") => SessionAttrs::Any,
            Some("read-write") => SessionAttrs::ReadWrite,
            Some("read-only") => SessionAttrs::ReadOnly,
            Some("primary") => SessionAttrs::Primary,
            Some("standby") => SessionAttrs::Standby,
            Some("prefer-standby") => SessionAttrs::PreferStandby,
            Some(other) => {
                let values = "any, read-write, read-only, primary, standby or prefer-standby";
                return Err(wrong("target_session_attrs", &format!("\"{other}\" is none of {values}")));
            }
        };
        let connect_timeout = match given.get("connect_timeout").map(|text| text.trim().parse::<i64>()) {
            None => DEFAULT_TIMEOUT,
            // libpq waits for ever here; a reconciler in a pipeline should not.
            Some(Ok(seconds)) if seconds <= 0 => Duration::from_secs(24 * 3600),
            Some(Ok(seconds)) => Duration::from_secs(seconds.unsigned_abs()),
            Some(Err(_)) => return Err(wrong("connect_timeout", "it must be a number of seconds")),
        };
        // What these ask for is not there, and must not be taken for granted.
        for (name, value) in [("gssencmode", "require"), ("ssl_min_protocol_version", "TLSv1.3")] {
            if given.get(name).is_some_and(|given| given == value) {
                return Err(wrong(name, &format!("trueup does not support \"{value}\"")));
            }
        }
        let channel_binding = match given.get("channel_binding").map(String::as_str) {
            None | Some("prefer") => ChannelBinding::Prefer,
            Some("disable") => ChannelBinding::Disable,
            Some("require") => ChannelBinding::Require,
            Some(other) => {
                let problem = format!("\"{other}\" is none of disable, prefer or require");
                return Err(wrong("channel_binding", &problem));
            }
        };
        let in_home = |name: &str| home.map(|home| home.join(".postgresql").join(name));
        let existing = |name: &str| in_home(name).filter(|path| path.exists());
        let root = match given.get("sslrootcert") {
            Some(_) if system_roots => None,
            Some(path) => Some(PathBuf::from(path)),
            None => existing("root.crt"),
        };
        let client = match given.get("sslcert").map(PathBuf::from).or_else(|| existing("postgresql.crt")) {
            Some(certificate) => {
                let key = given.get("sslkey").map(PathBuf::from).or_else(|| in_home("postgresql.key"));
                let key = key.ok_or_else(|| wrong("sslkey", "sslcert is given, but not the key for it"))?;
                Some((certificate, key))
            }
            None => None,
        };
        Ok(Self {
            hosts,
            user,
            database,
            ssl_mode,
            tls_files: TlsFiles { root, client },
            session_attrs,
            options: given.get("options").cloned(),
            application_name: given.get("application_name").cloned().unwrap_or_else(|| "trueup".to_owned()),
            connect_timeout,
            channel_binding,
            direct_tls: given.get("sslnegotiation").is_some_and(|how| how == "direct"),
        })
    }

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
        if let Some(options) = &self.options {
            config.options(options);
        }
        if self.direct_tls {
            config.ssl_negotiation(tokio_postgres::config::SslNegotiation::Direct);
        }
        config
    }

    /// What TLS needs, from the files that are named.
    pub(super) fn tls(&self) -> Result<tokio_postgres_rustls::MakeRustlsConnect, ConnectError> {
        tls::connector(self)
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
        let mode = match self.ssl_mode {
            SslMode::Disable => "disable",
            SslMode::Allow => "allow",
            SslMode::Prefer => "prefer",
            SslMode::Require => "require",
            SslMode::VerifyCa => "verify-ca",
            SslMode::VerifyFull => "verify-full",
        };
        set("sslmode", mode.to_owned());
        if let Some(root) = &self.tls_files.root {
            set("sslrootcert", root.display().to_string());
        }
        if let Some((certificate, key)) = &self.tls_files.client {
            set("sslcert", certificate.display().to_string());
            set("sslkey", key.display().to_string());
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

/// Debian's directory first, then the one that PostgreSQL is built with.
const SOCKET_DIRS: [&str; 2] = ["/var/run/postgresql", "/tmp"];
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

fn wrong(setting: &str, problem: &str) -> ConnectError {
    ConnectError::Settings { origin: setting.to_owned(), problem: problem.to_owned() }
}

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

fn hosts(given: &Settings) -> Result<Vec<Host>, ConnectError> {
    let list = |name: &str| -> Vec<String> {
        given
            .get(name)
            .map(|text| text.split(',').map(|part| part.trim().to_owned()).collect())
            .unwrap_or_default()
    };
    let (names, addresses, ports) = (list("host"), list("hostaddr"), list("port"));
    let count = names.len().max(addresses.len()).max(1);
    if !names.is_empty() && !addresses.is_empty() && names.len() != addresses.len() {
        return Err(wrong("hostaddr", &format!("{} addresses for {} hosts", addresses.len(), names.len())));
    }
    if ports.len() > 1 && ports.len() != count {
        return Err(wrong("port", &format!("{} ports for {count} hosts", ports.len())));
    }
    (0..count)
        .map(|at| {
            let port = if ports.len() == 1 { ports.first() } else { ports.get(at) };
            let port = match port.map(String::as_str) {
                None | Some("") => 5432,
                Some(text) => match text.parse::<u16>() {
                    Ok(port) if port > 0 => port,
                    _ => return Err(wrong("port", &format!("\"{text}\" is not a port: 1 to 65535"))),
                },
            };
            let address = match addresses.get(at).map(String::as_str) {
                None | Some("") => None,
                Some(text) => {
                    let parsed = text.parse();
                    Some(parsed.map_err(|_| wrong("hostaddr", &format!("\"{text}\" is not an IP address")))?)
                }
            };
            let name = match names.get(at).map(String::as_str) {
                None | Some("") if address.is_none() => default_socket_dir(port).to_owned(),
                None => String::new(),
                Some(name) => name.to_owned(),
            };
            Ok(Host { name, address, port, password: None })
        })
        .collect()
}

/// Where the socket is, or else where it would be: libpq has one place built in, which differs by distribution.
fn default_socket_dir(port: u16) -> &'static str {
    let [first, second] = SOCKET_DIRS;
    let there = |dir: &str| Path::new(dir).join(format!(".s.PGSQL.{port}")).exists();
    if there(first) || (Path::new(first).is_dir() && !there(second)) { first } else { second }
}

fn service_files(
    named: Option<&String>,
    home: Option<&Path>,
    env: &dyn Fn(&str) -> Option<String>,
) -> Vec<PathBuf> {
    let users = named.map(PathBuf::from).or_else(|| home.map(|home| home.join(".pg_service.conf")));
    let system = env("PGSYSCONFDIR").filter(|dir| !dir.is_empty()).map_or_else(
        || vec![PathBuf::from("/etc/postgresql-common/pg_service.conf")],
        |dir| vec![Path::new(&dir).join("pg_service.conf")],
    );
    users.into_iter().chain(system).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(url: Option<&str>, env: &[(&str, &str)]) -> Result<Target, ConnectError> {
        Target::resolve(url, &|name| {
            env.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_url_wins_over_the_service_and_that_over_variables() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("services");
        std::fs::write(&file, "[shop]\nhost=svc\nuser=svc\nport=1\n").unwrap();
        let env = [
            ("PGSERVICEFILE", file.to_str().unwrap()),
            ("PGSERVICE", "shop"),
            ("PGUSER", "env"),
            ("PGDATABASE", "env"),
            ("PGPORT", "2"),
        ];
        let target = resolve(Some("postgres://url@"), &env).unwrap();
        assert_eq!(target.describe(), "url@svc:1/env");
        let error = resolve(Some("service=nothing"), &env).unwrap_err();
        assert!(error.to_string().contains("service \"nothing\": not defined in"), "{error}");
    }

    #[test]
    fn without_anything_it_is_the_users_own_database_on_a_socket() {
        let target = resolve(None, &[]).unwrap();
        assert_eq!(target.user(), target.database());
        assert!(target.hosts()[0].is_socket());
        assert_eq!(target.session_attrs(), SessionAttrs::Any);
    }

    #[test]
    fn no_password_is_displayed() {
        let target = resolve(Some("postgres://u:hunter2@a:1,b:2/db"), &[]).unwrap();
        assert!(!format!("{target:?} {}", target.describe()).contains("hunter2"));
        assert_eq!(target.describe(), "u@a:1,b:2/db");
        assert_eq!(target.with_database("x").database(), "x");
    }

    #[test]
    fn a_target_survives_the_way_through_a_connection_string() {
        let url = "postgres://u:it's%5C@a:1,b:2/db?channel_binding=require&sslmode=verify-ca&sslrootcert=/x&options=-c%20a%3Db";
        let target = resolve(Some(url), &[]).unwrap();
        assert_eq!(resolve(Some(&target.to_conninfo()), &[]).unwrap(), target);
        let socket = Target::socket(Path::new("/run/x"), 5432, "postgres", "postgres");
        assert_eq!(resolve(Some(&socket.to_conninfo()), &[]).unwrap(), socket);
    }

    #[test]
    fn passwords_come_from_the_file_by_host() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join(".pgpass");
        std::fs::write(&file, "a:5432:db:u:one\nb:*:*:*:two\n").unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        let target = resolve(Some("postgres://u@a,b/db"), &[("HOME", dir.path().to_str().unwrap())]).unwrap();
        let passwords: Vec<_> =
            target.hosts().iter().map(|host| host.password.as_ref().unwrap().reveal()).collect();
        assert_eq!(passwords, ["one", "two"]);
    }

    #[test]
    fn values_that_mean_nothing_are_refused() {
        for (url, message) in [
            ("postgres://h:0/", "port: \"0\" is not a port: 1 to 65535"),
            ("host=a,b,c port=1,2", "port: 2 ports for 3 hosts"),
            ("host=a hostaddr=x", "hostaddr: \"x\" is not an IP address"),
            ("postgres://h/?connect_timeout=soon", "connect_timeout: it must be a number of seconds"),
        ] {
            assert_eq!(resolve(Some(url), &[]).unwrap_err().to_string(), message);
        }
        for parameter in
            ["require_auth=none", "sslcrl=/x", "gssencmode=require", "ssl_min_protocol_version=TLSv1.3"]
        {
            let error = resolve(Some(&format!("postgres://h/?{parameter}")), &[]).unwrap_err();
            assert!(error.to_string().contains("does not support"), "{error}");
        }
        assert!(resolve(Some("postgres://h/?sslmode=maybe"), &[]).is_err());
        assert!(resolve(Some("postgres://h/?target_session_attrs=best"), &[]).is_err());
    }
}
