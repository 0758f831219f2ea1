//! Secrets: the values of options of foreign data that nobody may read in a plan, and where they come from.
//!
//! A catalog never holds such a value. Reading a database puts a [`placeholder`] in its place at once, desired SQL says
//! one itself (`password '${secret:PG_FDW_PASSWORD}'`), and so plans, dumps, differences, fingerprints and the journal
//! have nothing else. Only `run` puts values from [`Secrets`] into a statement, when it is sent to a target.
//!
//! There is no hash of a value either: a plan is read by many, and a hash whose key is beside it lets each of them try
//! passwords. Whether two values are equal is asked while both are at hand, in memory.

use std::{collections::BTreeMap, fmt};

use sha2::{Digest, Sha256};

use crate::name::ObjectId;

/// What the variables begin with that give secrets: `TRUEUP_SECRET_PG_FDW_PASSWORD`.
pub const VARIABLE: &str = "TRUEUP_SECRET_";

/// What stands for a secret in a fingerprint, whatever it is called.
pub const NAMELESS: &str = "${secret}";

const BEGIN: &str = "${secret:";

/// What options are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {
    /// A foreign server or a foreign-data wrapper, by which one connects.
    Connection,
    /// A foreign table or a column of one, which name what is on the other side.
    Table,
}

/// The options of servers and wrappers whose values are no secrets: libpq's but for those that are passwords, tokens or
/// free text (PostgreSQL manual, 32.1.2), those of `postgres_fdw` (F.36.1), and where other wrappers connect to.
const HARMLESS: &[&str] = &[
    "address",
    "analyze_sampling",
    "application_name",
    "async_capable",
    "authentication_database",
    "batch_size",
    "channel_binding",
    "character_set",
    "client_encoding",
    "compression",
    "connect_timeout",
    "database",
    "dbname",
    "dbserver",
    "debug",
    "driver",
    "encoding",
    "endpoint",
    "extensions",
    "fallback_application_name",
    "fdw_startup_cost",
    "fdw_tuple_cost",
    "fetch_size",
    "format",
    "gssdelegation",
    "gssencmode",
    "gsslib",
    "host",
    "hostaddr",
    "hostname",
    "isolation_level",
    "keep_connections",
    "keepalives",
    "keepalives_count",
    "keepalives_idle",
    "keepalives_interval",
    "krbsrvname",
    "load_balance_hosts",
    "max_protocol_version",
    "min_protocol_version",
    "nchar",
    "parallel_abort",
    "parallel_commit",
    "passfile",
    "port",
    "protocol",
    "query_timeout",
    "region",
    "require_auth",
    "requirepeer",
    "schema",
    "server",
    "servername",
    "service",
    "ssl_max_protocol_version",
    "ssl_min_protocol_version",
    "sslcert",
    "sslcertmode",
    "sslcompression",
    "sslcrl",
    "sslcrldir",
    "sslmode",
    "sslnegotiation",
    "sslrootcert",
    "sslsni",
    "target_session_attrs",
    "tcp_user_timeout",
    "tds_version",
    "timeout",
    "truncatable",
    "updatable",
    "use_remote_estimate",
    "use_scram_passthrough",
    "user",
    "username",
    "wrapper",
];

/// What in the name of a table's or column's option says that its value is a secret.
const SUSPECT: &[&str] = &[
    "accesskey",
    "apikey",
    "credential",
    "passphrase",
    "passwd",
    "password",
    "privatekey",
    "pwd",
    "secret",
    "token",
];

/// Whether the value of an option is a secret: on servers and wrappers all are but those of a short list, on tables and
/// columns those whose name says so. A value that looks like a connection string with a password is one anywhere.
pub fn is_secret(holder: Holder, name: &str, value: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let by_name = match holder {
        Holder::Connection => HARMLESS.binary_search(&&*name).is_err(),
        Holder::Table => {
            let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
            SUSPECT.iter().any(|word| plain.contains(word))
        }
    };
    by_name || holds_password(value)
}

/// Whether a text looks like a connection string with a password: `password=…`, `postgres://user:password@host`.
fn holds_password(value: &str) -> bool {
    let value = value.to_ascii_lowercase();
    let compact: String = value.chars().filter(|c| !c.is_whitespace()).collect();
    let said =
        ["password=", "passwd=", "pwd=", "secret=", "token="].iter().any(|word| compact.contains(word));
    let in_url = value.split("://").skip(1).any(|rest| {
        let authority = rest.split(['/', '?', ' ']).next().unwrap_or_default();
        authority.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'))
    });
    said || in_url
}

/// What stands for the secret of this name.
pub fn placeholder(name: &str) -> String {
    format!("{BEGIN}{name}}}")
}

/// The name in a value that is a placeholder and nothing else.
pub fn name_in(value: &str) -> Option<&str> {
    let name = value.strip_prefix(BEGIN)?.strip_suffix('}')?;
    is_name(name).then_some(name)
}

/// Whether a value has a placeholder, or what was to be one, in it.
pub fn has_placeholder(value: &str) -> bool {
    value.contains("${secret")
}

/// Whether a secret can be called so: what a variable of the environment can be called.
pub fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_uppercase())
        && name.bytes().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == b'_')
}

/// What the secret is called that the option of an object has in a database: `SERVER_BILLING_PASSWORD`. Names that differ
/// in what a variable cannot have get digits, so that no two objects share one.
pub fn name_for(id: &ObjectId, option: &str) -> String {
    let plain = |text: &str| text.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    // an underscore within the object's name could be one between two names
    let exact = id.path.parts().iter().all(|part| plain(part)) && plain(&option.replace('_', ""));
    let parts = id.path.parts().iter().map(String::as_str);
    let joined = [id.kind.label()].into_iter().chain(parts).chain([option]).collect::<Vec<_>>().join("_");
    let allowed = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    let mut name: String = joined.chars().map(allowed).collect();
    if !exact {
        let digest = Sha256::digest(format!("{id}\0{option}").as_bytes());
        name.push('_');
        name.extend(digest.iter().take(3).map(|byte| format!("{byte:02X}")));
    }
    name
}

/// What the value is called that a plan replaces, and that its rollback needs.
pub fn before(name: &str) -> String {
    format!("{name}_BEFORE")
}

/// The secrets that whoever runs trueup gives it, by their names. Prints names alone.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secrets(BTreeMap<String, String>);

impl Secrets {
    /// No secrets.
    pub const NONE: &'static Self = &Self(BTreeMap::new());

    /// The value of the secret of this name, if it is given.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Whether a text has one of the values in it.
    pub fn are_in(&self, text: &str) -> bool {
        self.0.values().any(|value| !value.is_empty() && text.contains(value))
    }
}

impl FromIterator<(String, String)> for Secrets {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(values: I) -> Self {
        Self(values.into_iter().collect())
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::Kind;

    #[test]
    fn the_list_is_sorted_so_that_binary_search_finds_all() {
        assert!(HARMLESS.is_sorted());
    }

    #[test]
    fn what_is_not_known_to_be_harmless_is_secret() {
        let of_server = |name| is_secret(Holder::Connection, name, "x");
        for name in [
            "password",
            "sslpassword",
            "scram_client_key",
            "options",
            "oauth_client_secret",
            "sslkey",
            "new_one",
        ] {
            assert!(of_server(name), "{name}");
        }
        for name in ["host", "port", "dbname", "fetch_size", "Host"] {
            assert!(!of_server(name), "{name}");
        }
        assert!(is_secret(Holder::Table, "API-Key", "x"));
        assert!(!is_secret(Holder::Table, "table_name", "x"));
    }

    #[test]
    fn a_password_within_a_harmless_option_is_secret() {
        let of_host = |value| is_secret(Holder::Connection, "dbname", value);
        assert!(of_host("host=db Password = x"));
        assert!(of_host("postgres://u:p@db/shop"));
        assert!(!of_host("postgres://db:5432/shop"));
        assert!(!of_host("//oracle.example:1521/shop"));
    }

    #[test]
    fn placeholders_are_read_back() {
        assert_eq!(name_in(&placeholder("PG_1")), Some("PG_1"));
        for text in [
            "${secret:a}",
            "${secret:}",
            "x${secret:A}",
            "${secret:A}x",
            "${secret:A",
            NAMELESS,
            "${secret:1A}",
        ] {
            assert_eq!(name_in(text), None, "{text}");
        }
    }

    #[test]
    fn no_two_objects_share_a_name() {
        let of = |server: &str, option: &str| name_for(&ObjectId::new(Kind::ForeignServer, [server]), option);
        assert_eq!(of("billing", "password"), "SERVER_BILLING_PASSWORD");
        let names = [of("a b", "c"), of("a_b", "c"), of("a", "b_c"), of("A", "b_c"), of("ä", "c")];
        for (at, name) in names.iter().enumerate() {
            assert!(is_name(name), "{name}");
            assert!(!names[..at].contains(name), "{name}");
        }
    }

    #[test]
    fn values_are_not_printed() {
        let secrets: Secrets = [("A".to_owned(), "hunter2".to_owned())].into_iter().collect();
        assert_eq!(format!("{secrets:?}"), "{\"A\"}");
        assert!(secrets.are_in("said: hunter2."));
        assert_eq!(secrets.get("A"), Some("hunter2"));
    }
}
