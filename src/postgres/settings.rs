//! Connection settings as text: URLs, connection strings, service files. Names and meanings are libpq's.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use super::error::ConnectError;
use crate::toml_file;

/// Settings by libpq's name.
pub(super) type Settings = BTreeMap<String, String>;

/// Settings that promise something that would not be kept. They are refused rather than ignored.
const UNSUPPORTED: &[&str] = &["requirepeer", "sslcertmode", "sslpassword"];

/// The settings that are understood, as in libpq. Those that matter little (GSSAPI, keepalives) are not used.
const KNOWN: &[&str] = &[
    "application_name",
    "channel_binding",
    "client_encoding",
    "connect_timeout",
    "dbname",
    "fallback_application_name",
    "gssdelegation",
    "gssencmode",
    "gsslib",
    "host",
    "hostaddr",
    "keepalives",
    "keepalives_count",
    "keepalives_idle",
    "keepalives_interval",
    "krbsrvname",
    "load_balance_hosts",
    "options",
    "passfile",
    "password",
    "port",
    "require_auth",
    "service",
    "servicefile",
    "sslcert",
    "sslcompression",
    "sslcrl",
    "sslcrldir",
    "sslkey",
    "ssl_max_protocol_version",
    "ssl_min_protocol_version",
    "sslmode",
    "sslnegotiation",
    "sslrootcert",
    "sslsni",
    "target_session_attrs",
    "tcp_user_timeout",
    "user",
];

/// The variables that libpq reads, and the setting that each one is the default of.
const VARIABLES: &[(&str, &str)] = &[
    ("PGAPPNAME", "application_name"),
    ("PGCHANNELBINDING", "channel_binding"),
    ("PGCONNECT_TIMEOUT", "connect_timeout"),
    ("PGDATABASE", "dbname"),
    ("PGGSSENCMODE", "gssencmode"),
    ("PGHOST", "host"),
    ("PGHOSTADDR", "hostaddr"),
    ("PGOPTIONS", "options"),
    ("PGPASSFILE", "passfile"),
    ("PGPASSWORD", "password"),
    ("PGPORT", "port"),
    ("PGREQUIREAUTH", "require_auth"),
    ("PGREQUIREPEER", "requirepeer"),
    ("PGSERVICE", "service"),
    ("PGSERVICEFILE", "servicefile"),
    ("PGSSLCERT", "sslcert"),
    ("PGSSLCERTMODE", "sslcertmode"),
    ("PGSSLCRL", "sslcrl"),
    ("PGSSLCRLDIR", "sslcrldir"),
    ("PGSSLKEY", "sslkey"),
    ("PGSSLMAXPROTOCOLVERSION", "ssl_max_protocol_version"),
    ("PGSSLMINPROTOCOLVERSION", "ssl_min_protocol_version"),
    ("PGSSLMODE", "sslmode"),
    ("PGSSLNEGOTIATION", "sslnegotiation"),
    ("PGSSLROOTCERT", "sslrootcert"),
    ("PGTARGETSESSIONATTRS", "target_session_attrs"),
    ("PGUSER", "user"),
];

/// What the variables say. An empty one says nothing, as in libpq.
pub(super) fn from_env(env: &dyn Fn(&str) -> Option<String>) -> Settings {
    let set = |(variable, name): &(&str, &str)| Some(((*name).to_owned(), env(variable)?));
    VARIABLES.iter().filter_map(set).filter(|(_, value)| !value.is_empty()).collect()
}

/// A setting that is given, by a variable, and would not be kept.
pub(super) fn unsupported(given: &Settings) -> Option<&'static str> {
    UNSUPPORTED.iter().copied().find(|name| given.contains_key(*name))
}

/// Reads a URL or a connection string.
pub(super) fn parse(text: &str) -> Result<Settings, ConnectError> {
    let text = text.trim();
    for scheme in ["postgres://", "postgresql://"] {
        if let Some(rest) = text.strip_prefix(scheme) {
            return url(rest);
        }
    }
    if text.contains("://") {
        return Err(bad("connection URL", "it must begin with postgres:// or postgresql://"));
    }
    if !text.contains('=') {
        return Err(bad("connection URL", "this is neither a URL nor a list of key=value settings"));
    }
    conninfo(text)
}

// The text itself is never repeated in an error: it may hold a password.
fn bad(origin: impl Into<String>, problem: impl Into<String>) -> ConnectError {
    ConnectError::Settings { origin: origin.into(), problem: problem.into() }
}

fn url(rest: &str) -> Result<Settings, ConnectError> {
    let mut settings = Settings::new();
    if let (Some(colon), Some(at)) = (rest.find(':'), rest.rfind('@'))
        && rest.find(['/', '?']).is_some_and(|end| colon < at && end < at)
    {
        // else a piece of the password would be a database or a setting, which are shown
        let problem = "an @ stands behind the first / or ?, which may belong to a password (write @, / and ? as %40, %2F \
                       and %3F wherever they are part of a value)";
        return Err(bad("connection URL", problem));
    }
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
    let (login, hosts) = match authority.rsplit_once('@') {
        Some((login, hosts)) => (Some(login), hosts),
        None => (None, authority),
    };
    if let Some(login) = login {
        let (user, password) = match login.split_once(':') {
            Some((user, password)) => (user, Some(password)),
            None => (login, None),
        };
        insert(&mut settings, "user", decode(user)?);
        if let Some(password) = password {
            insert(&mut settings, "password", decode(password)?);
        }
    }
    let (mut names, mut ports) = (Vec::new(), Vec::new());
    for host in hosts.split(',') {
        let (name, port) = host_and_port(host)?;
        names.push(decode(name)?);
        ports.push(decode(port)?);
    }
    if names.iter().any(|name| !name.is_empty()) {
        settings.insert("host".to_owned(), names.join(","));
    }
    if ports.iter().any(|port| !port.is_empty()) {
        settings.insert("port".to_owned(), ports.join(","));
    }
    insert(&mut settings, "dbname", decode(database)?);
    let mut behind_password = false;
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair
            .split_once('=')
            .ok_or_else(|| bad("connection URL", "a parameter after the ? has no value"))?;
        let (name, value) = (decode(name)?, decode(value)?);
        // As JDBC writes it; libpq understands it, too.
        let (name, value) = match (name.as_str(), value.as_str()) {
            ("ssl", "true") => ("sslmode".to_owned(), "require".to_owned()),
            _ => (name, value),
        };
        known(&name, "connection URL", !behind_password)?;
        behind_password |= name == "password";
        settings.insert(name, value);
    }
    Ok(settings)
}

fn insert(settings: &mut Settings, name: &str, value: String) {
    if !value.is_empty() {
        settings.insert(name.to_owned(), value);
    }
}

fn host_and_port(text: &str) -> Result<(&str, &str), ConnectError> {
    if let Some(rest) = text.strip_prefix('[') {
        let (name, rest) =
            rest.split_once(']').ok_or_else(|| bad("connection URL", "an IPv6 address has no closing ]"))?;
        let port = rest.strip_prefix(':').unwrap_or(rest);
        return Ok((name, port));
    }
    Ok(text.rsplit_once(':').unwrap_or((text, "")))
}

fn decode(text: &str) -> Result<String, ConnectError> {
    let wrong =
        || bad("connection URL", "a % is not followed by two hexadecimal digits (write % itself as %25)");
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|d| char::from(d).to_digit(16)).ok_or_else(wrong);
        let value = digit()? * 16 + digit()?;
        bytes.push(u8::try_from(value).map_err(|_| wrong())?);
    }
    String::from_utf8(bytes).map_err(|_| bad("connection URL", "what the % signs spell is not UTF-8"))
}

/// Refuses a setting that there is not. Its name is only `shown` where it is no piece of a password that has an `&` or a space.
fn known(name: &str, origin: &str, shown: bool) -> Result<(), ConnectError> {
    if KNOWN.contains(&name) {
        return Ok(());
    }
    if UNSUPPORTED.contains(&name) {
        return Err(bad(origin, format!("trueup does not support the setting \"{name}\"")));
    }
    if shown {
        return Err(bad(origin, format!("there is no setting \"{name}\"")));
    }
    let problem = "there is no setting of a name in it, which is not shown, since it may be a piece of a password (quote that \
                   in a connection string, and encode it in a URL)";
    Err(bad(origin, problem))
}

/// `key = value` pairs; values may stand in single quotes, and a backslash escapes.
fn conninfo(text: &str) -> Result<Settings, ConnectError> {
    const ORIGIN: &str = "connection string";
    let mut settings = Settings::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (name, after) =
            rest.split_once('=').ok_or_else(|| bad(ORIGIN, "a setting has no = and value"))?;
        let name = name.trim();
        known(name, ORIGIN, false)?;
        let after = after.trim_start();
        let quoted = after.starts_with('\'');
        let mut value = String::new();
        let mut chars = after.char_indices().skip(usize::from(quoted));
        let mut end = None;
        while let Some((at, c)) = chars.next() {
            match c {
                '\\' => value.extend(chars.next().map(|(_, c)| c)),
                '\'' if quoted => {
                    end = Some(at + 1);
                    break;
                }
                c if !quoted && c.is_whitespace() => {
                    end = Some(at);
                    break;
                }
                c => value.push(c),
            }
        }
        if quoted && end.is_none() {
            return Err(bad(ORIGIN, "a quoted value has no closing quote"));
        }
        settings.insert(name.to_owned(), value);
        rest = end.map_or("", |end| after[end..].trim_start());
    }
    Ok(settings)
}

/// Settings as a connection string that [`parse`] reads back.
pub(super) fn write(settings: &Settings) -> String {
    let quote = |value: &str| value.replace('\\', "\\\\").replace('\'', "\\'");
    settings.iter().map(|(name, value)| format!("{name}='{}'", quote(value))).collect::<Vec<_>>().join(" ")
}

/// The section of a service, from the first of the files that has it.
pub(super) fn service(name: &str, files: &[PathBuf]) -> Result<Settings, ConnectError> {
    for file in files {
        let text = toml_file::read_file(file).and_then(|bytes| {
            String::from_utf8(bytes)
                .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "the text is not UTF-8"))
        });
        match text {
            Ok(text) => {
                if let Some(settings) = section(name, &text, file)? {
                    return Ok(settings);
                }
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(source) => {
                return Err(ConnectError::File { what: "the service file", path: file.clone(), source });
            }
        }
    }
    let looked = files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join(", ");
    Err(bad(format!("service \"{name}\""), format!("not defined in {looked}")))
}

fn section(name: &str, text: &str, file: &Path) -> Result<Option<Settings>, ConnectError> {
    let mut settings = Settings::new();
    let mut inside = false;
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(title) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            if inside {
                break;
            }
            inside = title == name;
        } else if inside {
            let origin = format!("{}:{}", file.display(), number + 1);
            let (key, value) =
                line.split_once('=').ok_or_else(|| bad(&origin, "this line is not key=value"))?;
            known(key.trim(), &origin, true)?;
            // The first one counts, as in libpq.
            settings.entry(key.trim().to_owned()).or_insert_with(|| value.trim().to_owned());
        }
    }
    Ok(inside.then_some(settings))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str) -> String {
        write(&parse(text).unwrap())
    }

    #[test]
    fn urls_mean_what_they_mean_to_libpq() {
        for (url, expected) in [
            ("postgres://", ""),
            ("postgres://localhost", "host='localhost'"),
            ("postgresql://u:p@h:5433/db", "dbname='db' host='h' password='p' port='5433' user='u'"),
            ("postgres://u@/db?host=/run/pg", "dbname='db' host='/run/pg' user='u'"),
            ("postgres://%2Frun%2Fpg/db", "dbname='db' host='/run/pg'"),
            ("postgres://[::1]:5433/db", "dbname='db' host='::1' port='5433'"),
            (
                "postgres://a:1,b/db?target_session_attrs=primary",
                "dbname='db' host='a,b' port='1,' target_session_attrs='primary'",
            ),
            ("postgres://u:p%40%2F@h/d%20b", "dbname='d b' host='h' password='p@/' user='u'"),
            ("postgres://h/db?ssl=true", "dbname='db' host='h' sslmode='require'"),
            ("postgres://h/db?user=a@b", "dbname='db' host='h' user='a@b'"),
            ("postgres://u:a%40b@h/d%40b?user=a%40b", "dbname='d@b' host='h' password='a@b' user='a@b'"),
            ("host=h dbname = 'a b' password='it\\'s'", "dbname='a b' host='h' password='it\\'s'"),
        ] {
            assert_eq!(settings(url), expected, "{url}");
        }
    }

    #[test]
    fn what_is_not_understood_is_refused_without_repeating_it() {
        for text in [
            "mysql://u:secret@h/db",
            "secret",
            "postgres://u:secret%zz@h",
            "postgres://u:secret@h/db?colour=red",
            "host=h password='secret",
            "postgres://u:secret@[::1/db",
            "postgres://u:12/secret@127.0.0.1:5600/db",
            "postgres://u:12/x@secret@127.0.0.1:5600/db",
            "postgres://u:sec?secret=a@h/db",
            "postgres://u:sec?user=secret@h/db",
            "postgres://u:p@1/secret@h/db",
            "postgres://u:p@1?options=secret@h/db",
            "postgres://h/db?password=sec&secret=1",
            "postgres:/u:secret@h/db?sslmode=require",
            "host=h password=sec secret=1",
            "secret=",
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn a_setting_that_is_mistyped_is_named() {
        let error = parse("postgres://u:secret@h/db?sslmod=require").unwrap_err();
        assert_eq!(error.to_string(), "connection URL: there is no setting \"sslmod\"");
    }

    #[test]
    fn a_service_is_one_section() {
        let file = Path::new("pg_service.conf");
        let text = "# c\n[a]\nhost=x\n\n[b]\nhost = y\nport=5433\n[c]\nhost=z\n";
        assert_eq!(write(&section("b", text, file).unwrap().unwrap()), "host='y' port='5433'");
        assert!(section("d", text, file).unwrap().is_none());
        let error = section("a", "[a]\nhost=x\ncolour=red", file).unwrap_err();
        assert_eq!(error.to_string(), "pg_service.conf:3: there is no setting \"colour\"");
    }
}
