//! The kinds of objects: one file for each, with its introspection query beside it.
//!
//! A kind knows its attributes, how it is created, dropped, altered and renamed, and what it survives. It knows
//! nothing of other kinds' changes, of order, phases or locks: `diff`, `graph` and `lower` ask it.
//!
//! Every query returns `(classid, objid, objsubid, path text[], definition json)`: the address by which `pg_depend`
//! knows the object, its name, and its attributes as the kind's struct reads them.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    catalog::Fingerprint,
    name::{Kind, ObjectId, Pair},
    sql::Sql,
    with_kinds,
};

pub mod acl;
pub mod any_order;
mod deparsed;
mod foreign;
pub mod index_body;
pub mod not_null;
pub mod options;

use options::name_of;
pub use options::{Options, OptionsOf};

/// What a kind of object can say of itself.
pub trait Definition: Clone + Eq + Serialize + DeserializeOwned {
    /// The introspection query.
    const QUERY: &'static str;

    /// What follows FROM where there are rows if there may be such objects. The first object of a user's has the
    /// number 16384 (`FirstNormalObjectId`).
    const ROWS: &'static str;

    /// How the object comes to be, all that it needs being there.
    fn create(&self, id: &ObjectId) -> Ddl;

    /// How it goes, all that needs it being gone.
    fn drop(&self, id: &ObjectId) -> Ddl;

    /// How one definition becomes the other under the same name.
    fn alter(pair: Pair<&Self>, id: &ObjectId) -> Alter;

    /// How it gets another name, if PostgreSQL can do that.
    fn rename(&self, ids: Pair<&ObjectId>) -> Option<Ddl> {
        let _ = ids;
        None
    }

    /// Whether it still stands, unchanged, after something that it needs was touched.
    fn survives(&self, touch: Touch) -> bool {
        let _ = touch;
        false
    }

    /// The object whose end is its end too, without a word.
    fn part_of(&self, id: &ObjectId) -> Option<ObjectId> {
        id.relation()
    }

    /// What it needs that `pg_depend` does not record.
    fn needs(&self, id: &ObjectId) -> Vec<ObjectId> {
        let _ = id;
        Vec::new()
    }

    /// Shows its options to `visit`, which may take some away.
    fn visit_options(&mut self, visit: &mut dyn FnMut(OptionsOf, &mut Options)) {
        let _ = visit;
    }

    /// Whether columns can store values of it: then it is rebuilt under them, never dropped and created anew.
    const STORED: bool = false;
}

/// DDL in the form that lets `lower` join what belongs into one statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ddl {
    /// Whole statements.
    Statements(Vec<Sql>),
    /// Parts of an ALTER TABLE.
    Table(TableDdl),
}

/// Parts of one table's DDL.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableDdl {
    /// The table's name, as SQL has it.
    pub table: String,
    /// What stands between the parentheses of CREATE TABLE instead of the first clause, where that can be.
    pub element: Option<String>,
    /// What stands behind ALTER TABLE.
    pub clauses: Vec<String>,
    /// Whether inheritors are left alone: ALTER TABLE ONLY.
    pub only: bool,
}

impl Ddl {
    /// One statement.
    pub fn statement(text: impl Into<String>) -> Self {
        Self::Statements(vec![Sql::new(text)])
    }

    /// The statements, each clause list as one ALTER TABLE.
    pub fn into_statements(self) -> Vec<Sql> {
        match self {
            Ddl::Statements(statements) => statements,
            Ddl::Table(ddl) => ddl.into_statement().into_iter().collect(),
        }
    }
}

impl TableDdl {
    /// The ALTER TABLE, if there is anything to alter.
    pub fn into_statement(self) -> Option<Sql> {
        let only = if self.only { "ONLY " } else { "" };
        let joined = if self.clauses.len() > 1 {
            format!("\n    {}", self.clauses.join(",\n    "))
        } else {
            format!(" {}", self.clauses.concat())
        };
        (!self.clauses.is_empty()).then(|| Sql::new(format!("ALTER TABLE {only}{}{joined}", self.table)))
    }
}

/// How one definition becomes another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Alter {
    /// By DDL on the object as it stands; dependents feel the touch, if any.
    InPlace(Ddl, Option<Touch>),
    /// Only by dropping it and creating it anew. No row is stored in it.
    Replace,
    /// A type that columns store: a new one takes its place under them.
    Rebuild,
    /// Not at all, and why.
    Refused(String),
}

/// What happens to an object, as its dependents feel it. From mild to hard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Touch {
    /// A column keeps its type but gets another length, precision or scale.
    Modifier,
    /// A column gets another type or collation.
    Type,
    /// A type that columns store is exchanged under them.
    Rebuild,
    /// It is gone, if only for a moment.
    Drop,
}

macro_rules! define_objects {
    ($($module:ident: $kind:ident = $label:literal,)*) => {
        $(pub mod $module; pub use $module::$kind;)*

        /// One object of any kind.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Object {
            $(#[doc = $label] $kind($kind),)*
        }

        impl Object {
            /// The introspection query of every kind.
            pub const QUERIES: &[(Kind, &str)] = &[$((Kind::$kind, <$kind as Definition>::QUERY),)*];

            /// Where there are rows if there may be objects of a kind, in the order of the queries.
            pub const ROWS: &[&str] = &[$(<$kind as Definition>::ROWS,)*];

            /// An object out of the JSON that its kind's query returns.
            pub fn from_json(kind: Kind, json: &str) -> serde_json::Result<Self> {
                match kind { $(Kind::$kind => serde_json::from_str(json).map(Object::$kind),)* }
            }

            /// The kind.
            pub fn kind(&self) -> Kind {
                match self { $(Object::$kind(_) => Kind::$kind,)* }
            }

            /// How it comes to be.
            pub fn create(&self, id: &ObjectId) -> Ddl {
                match self { $(Object::$kind(object) => object.create(id),)* }
            }

            /// How it goes.
            pub fn drop(&self, id: &ObjectId) -> Ddl {
                match self { $(Object::$kind(object) => object.drop(id),)* }
            }

            /// How it becomes another of its kind.
            pub fn alter(pair: Pair<&Self>, id: &ObjectId) -> Alter {
                match (pair.before, pair.after) {
                    $((Object::$kind(before), Object::$kind(after)) => $kind::alter(Pair { before, after }, id),)*
                    _ => Alter::Refused(format!("{id} is of two kinds")),
                }
            }

            /// How it gets another name.
            pub fn rename(&self, ids: Pair<&ObjectId>) -> Option<Ddl> {
                match self { $(Object::$kind(object) => object.rename(ids),)* }
            }

            /// Whether it still stands after something that it needs was touched.
            pub fn survives(&self, touch: Touch) -> bool {
                match self { $(Object::$kind(object) => object.survives(touch),)* }
            }

            /// The object whose end is its end too.
            pub fn part_of(&self, id: &ObjectId) -> Option<ObjectId> {
                match self { $(Object::$kind(object) => object.part_of(id),)* }
            }

            /// What it needs that `pg_depend` does not record.
            pub fn needs(&self, id: &ObjectId) -> Vec<ObjectId> {
                match self { $(Object::$kind(object) => object.needs(id),)* }
            }

            /// Shows its options to `visit`, which may take some away.
            pub fn visit_options(&mut self, visit: &mut dyn FnMut(OptionsOf, &mut Options)) {
                match self { $(Object::$kind(object) => object.visit_options(visit),)* }
            }

            /// Whether columns can store values of it.
            pub fn is_stored(&self) -> bool {
                match self { $(Object::$kind(_) => <$kind as Definition>::STORED,)* }
            }

            /// The attributes as JSON.
            pub fn to_json(&self) -> String {
                match self { $(Object::$kind(object) => serde_json::to_string(object).unwrap_or_default(),)* }
            }
        }
    };
}
with_kinds!(define_objects);

impl Object {
    /// The fingerprint of the object under its name. What its secrets are called, and what they are, is not in it.
    pub fn fingerprint(&self, id: &ObjectId) -> Fingerprint {
        let json = self.with_nameless_secrets().map_or_else(|| self.to_json(), |object| object.to_json());
        Fingerprint::of(format!("{id}\n{json}"))
    }

    /// The statements that create it, for showing.
    pub fn ddl(&self, id: &ObjectId) -> Vec<Sql> {
        self.create(id).into_statements()
    }
}

/// ` WITH (name=value, …)`, or nothing.
fn with_options(options: &Options) -> String {
    if options.is_empty() { String::new() } else { format!(" WITH ({})", option_list(options)) }
}

/// `name='value', …` for WITH and SET.
fn option_list(options: &[String]) -> String {
    options
        .iter()
        .map(|option| match option.split_once('=') {
            Some((name, value)) => format!("{}={}", option_name(name), crate::sql::literal(value)),
            None => option_name(option),
        })
        .collect::<Vec<_>>()
        .join(", ")
}

/// ` OPTIONS (name 'value', …)` of foreign data, or nothing.
fn fdw_options(options: &Options) -> String {
    fdw_list(options.iter().map(|option| fdw_option(option, "")).collect())
}

/// ` OPTIONS (ADD …, SET …, DROP …)` that brings one list of options of foreign data to another, or nothing.
fn fdw_changes(pair: Pair<&Options>) -> String {
    let name = |option: &str| name_of(option).to_owned();
    let names = |options: &Options| options.iter().map(|option| name(option)).collect::<Vec<_>>();
    let (before, after) = (names(pair.before), names(pair.after));
    let mut changes: Vec<String> = pair
        .after
        .without(pair.before)
        .map(|option| fdw_option(option, if before.contains(&name(option)) { "SET " } else { "ADD " }))
        .collect();
    let gone = before.iter().filter(|name| !after.contains(*name));
    changes.extend(gone.map(|name| format!("DROP {}", crate::sql::ident(name))));
    fdw_list(changes)
}

fn fdw_option(option: &str, verb: &str) -> String {
    let (name, value) = option.split_once('=').unwrap_or((option, ""));
    format!("{verb}{} {}", crate::sql::ident(name), crate::sql::literal(value))
}

fn fdw_list(options: Vec<String>) -> String {
    if options.is_empty() { String::new() } else { format!(" OPTIONS ({})", options.join(", ")) }
}

fn option_name(name: &str) -> String {
    name.split('.').map(crate::sql::ident).collect::<Vec<_>>().join(".")
}

/// `SET (…)` and `RESET (…)` that bring one list of options to another.
fn option_changes(pair: Pair<&Options>) -> Vec<String> {
    let set: Options = pair.after.without(pair.before).cloned().collect();
    let name = |option: &str| name_of(option).to_owned();
    let kept: Vec<String> = pair.after.iter().map(|option| name(option)).collect();
    let reset: Vec<String> =
        pair.before.iter().map(|option| name(option)).filter(|option| !kept.contains(option)).collect();
    let mut clauses = Vec::new();
    if !set.is_empty() {
        clauses.push(format!("SET ({})", option_list(&set)));
    }
    if !reset.is_empty() {
        clauses.push(format!("RESET ({})", option_list(&reset)));
    }
    clauses
}
