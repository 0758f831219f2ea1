//! The names of a dump's files: `tables/orders.sql` for what is in `public`, `app/tables/orders.sql` elsewhere.
//!
//! A name may hold anything, and file systems do not tell apart what differs in case or in how an accent is composed.
//! So everything but letters, digits, `_` and `-` is written as `%2E`; and where names of one folder would still meet,
//! their capitals and what is not ASCII are, too.

use std::collections::{BTreeMap, BTreeSet};

use super::Home;
use crate::name::Kind;

/// Names that Windows keeps for devices.
const DEVICES: &[&str] = &["aux", "con", "nul", "prn"];

/// The folder of each kind: those that have no files of their own are mostly parts of tables.
fn folder(kind: Kind) -> &'static str {
    match kind {
        Kind::Extension => "extensions",
        Kind::EventTrigger => "event_triggers",
        Kind::Collation => "collations",
        Kind::Enum | Kind::Domain | Kind::Composite | Kind::Range => "types",
        Kind::Function => "functions",
        Kind::Aggregate => "aggregates",
        Kind::Operator => "operators",
        Kind::OperatorFamily => "operator_families",
        Kind::OperatorClass => "operator_classes",
        Kind::Cast => "casts",
        Kind::Conversion => "conversions",
        Kind::TextSearchParser => "text_search_parsers",
        Kind::TextSearchTemplate => "text_search_templates",
        Kind::TextSearchDictionary => "text_search_dictionaries",
        Kind::TextSearchConfiguration => "text_search_configurations",
        Kind::ForeignDataWrapper => "foreign_data_wrappers",
        Kind::ForeignServer => "servers",
        Kind::Publication => "publications",
        Kind::Sequence => "sequences",
        Kind::View => "views",
        Kind::MaterializedView => "materialized_views",
        Kind::Table
        | Kind::Column
        | Kind::Default
        | Kind::ToastOptions
        | Kind::Constraint
        | Kind::DomainConstraint
        | Kind::DomainDefault
        | Kind::IdentitySequence
        | Kind::SequenceOwner
        | Kind::Index
        | Kind::Attachment
        | Kind::IndexAttachment
        | Kind::Statistics
        | Kind::Rule
        | Kind::Trigger
        | Kind::PartitionTrigger
        | Kind::Policy
        | Kind::PublishedTable
        | Kind::PublishedSchema
        | Kind::Schema
        | Kind::DefaultPrivileges
        | Kind::Comment
        | Kind::Privileges
        | Kind::Owner => "tables",
    }
}

/// File names for a set of homes; overloads of a function share one.
#[derive(Debug, Default)]
pub struct Paths(BTreeMap<Home, String>);

impl Paths {
    /// The names for these.
    pub fn new<'a>(homes: impl IntoIterator<Item = &'a Home>) -> Self {
        let homes: BTreeSet<&Home> = homes.into_iter().collect();
        let schemas = Names::new(homes.iter().filter_map(|home| schema(home)), &|name| {
            let folders = Kind::ALL.iter().map(|kind| folder(*kind));
            folders.chain(["default_privileges", "schema"]).any(|taken| taken == name)
        });
        let within = |home: &Home| match schema(home) {
            None | Some("public") => String::new(),
            Some(name) => format!("{}/", schemas.of(name)),
        };
        let place = |home: &Home| match home {
            Home::Object(id) => {
                let name = if id.schema().is_some() { id.path.part(1) } else { id.path.part(0) };
                Some((format!("{}{}", within(home), folder(id.kind)), name.to_owned()))
            }
            _ => None,
        };
        let mut folders: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (folder, name) in homes.iter().filter_map(|home| place(home)) {
            folders.entry(folder).or_default().insert(name);
        }
        let names: BTreeMap<&str, Names> = folders
            .iter()
            .map(|(folder, all)| (folder.as_str(), Names::new(all.iter().map(String::as_str), &|_| false)))
            .collect();
        let path = |home: &Home| match (home, place(home)) {
            (Home::DefaultPrivileges, _) => "default_privileges.sql".to_owned(),
            (_, Some((folder, name))) => {
                let file = names.get(folder.as_str()).map(|names| names.of(&name)).unwrap_or_default();
                format!("{folder}/{file}.sql")
            }
            _ => format!("{}schema.sql", within(home)),
        };
        Self(homes.into_iter().map(|home| (home.clone(), path(home))).collect())
    }

    /// The file of one of them, relative to the dump's folder.
    pub fn of(&self, home: &Home) -> &str {
        self.0.get(home).map_or("", String::as_str)
    }
}

fn schema(home: &Home) -> Option<&str> {
    match home {
        Home::DefaultPrivileges => None,
        Home::Schema(name) => Some(name),
        Home::Object(id) => id.schema(),
    }
}

/// How the names of one folder are written.
struct Names(BTreeMap<String, String>);

impl Names {
    fn new<'a>(names: impl Iterator<Item = &'a str>, taken: &dyn Fn(&str) -> bool) -> Self {
        let names: BTreeSet<&str> = names.collect();
        let mut alike: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for name in names {
            alike.entry(folded(name)).or_default().push(name);
        }
        let mut written = BTreeMap::new();
        for (folded, names) in alike {
            let reserved = taken(&folded) || DEVICES.contains(&folded.as_str());
            let meet = names.len() > 1;
            for name in names {
                written.insert(name.to_owned(), encoded(name, meet, reserved));
            }
        }
        Self(written)
    }

    fn of(&self, name: &str) -> String {
        self.0.get(name).cloned().unwrap_or_else(|| encoded(name, false, false))
    }
}

/// What names have in common that a file system may not tell apart.
fn folded(name: &str) -> String {
    name.to_uppercase().to_lowercase()
}

/// A name as a file's; `meet`: one of another name would be called the same.
fn encoded(name: &str, meet: bool, reserved: bool) -> String {
    let mut text = String::with_capacity(name.len());
    for (at, c) in name.chars().enumerate() {
        let plain = c.is_alphanumeric() && !(meet && (c.is_ascii_uppercase() || !c.is_ascii()));
        let plain = plain || c == '_' || c == '-' && at > 0;
        if plain && !(reserved && at == 0) {
            text.push(c);
            continue;
        }
        for byte in c.encode_utf8(&mut [0; 4]).bytes() {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::ObjectId;

    fn paths(ids: &[(Kind, &[&str])]) -> Vec<String> {
        let homes: Vec<Home> = ids
            .iter()
            .map(|(kind, path)| {
                if *kind == Kind::Schema {
                    return Home::Schema(path[0].to_owned());
                }
                let parts: Vec<String> = path.iter().map(|part| (*part).to_owned()).collect();
                Home::Object(ObjectId::new(*kind, parts))
            })
            .collect();
        let paths = Paths::new(&homes);
        homes.iter().map(|home| paths.of(home).to_owned()).collect()
    }

    #[test]
    fn names_that_are_names_stay() {
        let found = paths(&[
            (Kind::Table, &["public", "orders"]),
            (Kind::Table, &["public", "OrderItem"]),
            (Kind::Table, &["app", "größe"]),
            (Kind::Function, &["public", "area", "integer"]),
            (Kind::Function, &["public", "area", "text"]),
            (Kind::Extension, &["uuid-ossp"]),
            (Kind::Schema, &["app"]),
            (Kind::Schema, &["public"]),
        ]);
        let wanted = [
            "tables/orders.sql",
            "tables/OrderItem.sql",
            "app/tables/größe.sql",
            "functions/area.sql",
            "functions/area.sql",
            "extensions/uuid-ossp.sql",
            "app/schema.sql",
            "schema.sql",
        ];
        assert_eq!(found, wanted);
    }

    #[test]
    fn no_two_files_meet() {
        let found = paths(&[
            (Kind::Table, &["public", "a/b"]),
            (Kind::Table, &["public", "..", ""]),
            (Kind::Table, &["public", "a%2Fb"]),
            (Kind::Table, &["public", "Orders"]),
            (Kind::Table, &["public", "orders"]),
            (Kind::Table, &["public", "ORDERS"]),
            (Kind::Table, &["public", "straße"]),
            (Kind::Table, &["public", "strasse"]),
            (Kind::Table, &["public", "e\u{301}"]),
            (Kind::Table, &["public", "é"]),
            (Kind::Table, &["public", "Con"]),
            (Kind::Table, &["public", "-rf"]),
            (Kind::Table, &["public", "x \"y\".z"]),
            (Kind::Table, &["public", "schema"]),
            (Kind::Table, &["tables", "schema"]),
            (Kind::Table, &["Tables", "schema"]),
            (Kind::Schema, &["tables"]),
            (Kind::Schema, &["Tables"]),
        ]);
        assert_eq!(found[0], "tables/a%2Fb.sql");
        assert_eq!(found[10], "tables/%43on.sql");
        assert_eq!(found[16], "%74ables/schema.sql");
        let folded: BTreeSet<String> = found.iter().map(|path| folded(path)).collect();
        assert_eq!(folded.len(), found.len(), "{found:#?}");
        assert!(found.iter().all(|path| !path.contains("..")), "{found:#?}");
    }
}
