//! From settings to a target: what was given, its service, variables, and libpq's defaults, in this order.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::config::ChannelBinding;

use super::authentication::RequireAuth;
use super::error::ConnectError;
use super::named_host::{self, References, Sends, UrlFile};
use super::passfile;
use super::settings::{self, Settings};
use super::target::{DEFAULT_TIMEOUT, Host, Password, SessionAttrs, SslMode, Target, TlsFiles};
use super::tls::TlsVersions;

/// Debian's directory first, then the one that PostgreSQL is built with.
const SOCKET_DIRS: [&str; 2] = ["/var/run/postgresql", "/tmp"];

impl Target {
    /// Where `url` and the environment point to: the URL's settings first, then those of its service, then
    /// variables, then libpq's defaults. Without a URL, variables and defaults alone.
    ///
    /// `env` looks up a variable. Files that settings name are read: services, passwords; those of TLS are read
    /// when connecting.
    pub fn resolve(url: Option<&str>, env: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConnectError> {
        Self::from_url(url.map(settings::parse).transpose()?.unwrap_or_default(), None, env)
    }

    /// The same for a url that stands in a trueup.toml: its password may be read from elsewhere (`${file:/path}`,
    /// `${env:NAME}`), and a host that it names gets no other password than the one that stands there, unless
    /// `TRUEUP_ALLOWED_HOSTS` allows that host or it is this machine.
    pub fn resolve_in(
        file: &Path,
        url: &str,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, ConnectError> {
        let (plain, references) = References::take(url)?;
        let mut given = settings::parse(&plain)?;
        references.check(&given)?;
        // an empty password is none: .pgpass is asked
        let password = given.get("password").filter(|password| !password.is_empty()).cloned();
        let is_own = password.is_some() && references.is_empty();
        let origin = UrlFile::new(file, &given, if is_own { Sends::Nothing } else { Sends::Password });
        let Some(password) = password.filter(|_| !references.is_empty()) else {
            return Self::from_url(given, Some(&origin), env);
        };
        // the host is settled before a secret is read
        Self::from_url(given.clone(), Some(&origin), env)?;
        let password = references.fill(&password, file.parent().unwrap_or(Path::new("")), env)?;
        given.insert("password".to_owned(), password);
        Self::from_url(given, Some(&origin), env)
    }

    /// Refuses a url in a trueup.toml whose hosts may not be sent secrets of foreign data: as for a password that does not
    /// stand there.
    pub fn check_secrets_in(
        file: &Path,
        url: &str,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<(), ConnectError> {
        let (plain, _) = References::take(url)?;
        let given = settings::parse(&plain)?;
        let origin = UrlFile::new(file, &given, Sends::Secrets);
        Self::from_url(given, Some(&origin), env).map(|_| ())
    }

    fn from_url(
        mut given: Settings,
        origin: Option<&UrlFile<'_>>,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, ConnectError> {
        let account = nix::unistd::User::from_uid(nix::unistd::geteuid()).ok().flatten();
        let home = env("HOME")
            .filter(|home| !home.is_empty())
            .map(PathBuf::from)
            .or_else(|| account.as_ref().map(|a| a.dir.clone()));

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
        let target = Self::from_settings(&given, user, home.as_deref())?;
        if let Some(origin) = origin {
            origin.check(&target.hosts, &env(named_host::ALLOWED).unwrap_or_default())?;
        }
        Ok(target)
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
        if system_roots && ssl_mode != SslMode::VerifyFull {
            return Err(wrong(
                "sslmode",
                "with sslrootcert=system only verify-full makes sense: anybody can have such a certificate",
            ));
        }
        // What these ask for is not there, and must not be taken for granted.
        if let Some(name) = settings::unsupported(given) {
            return Err(wrong(name, "trueup does not support this setting"));
        }
        if given.get("gssencmode").is_some_and(|mode| mode == "require") {
            return Err(wrong("gssencmode", "trueup does not support \"require\""));
        }
        let text = |name: &str| given.get(name).map(String::as_str);
        let require_auth = text("require_auth").map(RequireAuth::parse).transpose();
        let require_auth =
            require_auth.map_err(|problem| wrong("require_auth", &problem))?.unwrap_or_default();
        let tls_versions =
            TlsVersions::parse(text("ssl_min_protocol_version"), text("ssl_max_protocol_version"))
                .map_err(|(name, problem)| wrong(name, &problem))?;
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
        let crl_dir = given.get("sslcrldir").map(PathBuf::from);
        let crl = given.get("sslcrl").map(PathBuf::from);
        if root.is_none() && (crl.is_some() || crl_dir.is_some()) {
            return Err(wrong("sslcrl", "revocation lists need a file in sslrootcert"));
        }
        let crl = if crl_dir.is_none() { crl.or_else(|| existing("root.crl")) } else { crl };
        Ok(Self {
            hosts,
            user,
            database,
            ssl_mode,
            tls_files: TlsFiles { root, client, crl, crl_dir },
            session_attrs,
            options: given.get("options").cloned(),
            application_name: given.get("application_name").cloned().unwrap_or_else(|| "trueup".to_owned()),
            connect_timeout,
            channel_binding,
            direct_tls: given.get("sslnegotiation").is_some_and(|how| how == "direct"),
            require_auth,
            tls_versions,
            ignored_options: Arc::default(),
            pinned: false,
            role: None,
            journal_owners: Arc::default(),
        })
    }
}

fn wrong(setting: &str, problem: &str) -> ConnectError {
    ConnectError::Settings { origin: setting.to_owned(), problem: problem.to_owned() }
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
                    // not shown: it may be a piece of a password with a slash or an at sign in it
                    _ => {
                        let what =
                            "it is not a number from 1 to 65535 (write / and @ of a password as %2F and %40)";
                        return Err(wrong("port", what));
                    }
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
        let url = "postgres://u:it's%5C@a:1,b:2/db?channel_binding=require&sslmode=verify-ca&sslrootcert=/x&sslcrl=/y&sslcrldir=/z&require_auth=!md5&ssl_min_protocol_version=tlsv1.3&ssl_max_protocol_version=TLSv1.3&options=-c%20a%3Db";
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
            (
                "postgres://h:0/",
                "port: it is not a number from 1 to 65535 (write / and @ of a password as %2F and %40)",
            ),
            (
                "postgres://u:sec/ret@h/",
                "connection URL: an @ stands behind the first / or ?, which may belong to a password (write @, / and ? as \
                 %40, %2F and %3F wherever they are part of a value)",
            ),
            ("host=a,b,c port=1,2", "port: 2 ports for 3 hosts"),
            ("host=a hostaddr=x", "hostaddr: \"x\" is not an IP address"),
            ("postgres://h/?connect_timeout=soon", "connect_timeout: it must be a number of seconds"),
        ] {
            assert_eq!(resolve(Some(url), &[]).unwrap_err().to_string(), message);
        }
        for parameter in ["requirepeer=postgres", "sslcertmode=require", "gssencmode=require"] {
            let error = resolve(Some(&format!("postgres://h/?{parameter}")), &[]).unwrap_err();
            assert!(error.to_string().contains("does not support"), "{error}");
        }
        for variable in
            [("PGREQUIREPEER", "postgres"), ("PGSSLCERTMODE", "require"), ("PGGSSENCMODE", "require")]
        {
            let error = resolve(Some("postgres://h/"), &[variable]).unwrap_err();
            assert!(error.to_string().contains("does not support"), "{error}");
        }
        assert!(resolve(Some("postgres://h/?sslrootcert=system&sslmode=require"), &[]).is_err());
        assert!(resolve(Some("postgres://h/?sslrootcert=system"), &[("PGSSLMODE", "verify-ca")]).is_err());
        assert!(resolve(Some("postgres://h/?sslmode=maybe"), &[]).is_err());
        assert!(resolve(Some("postgres://h/?target_session_attrs=best"), &[]).is_err());
    }
}
