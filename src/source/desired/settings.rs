//! The settings under which statements run: each file has its own, and `SET` holds from there to its end.

use std::collections::BTreeMap;

use pg_query::{
    NodeEnum,
    protobuf::{Node, VariableSetKind, VariableSetStmt, a_const},
};

/// The settings in force at one place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Settings {
    /// By name, the statement that sets it.
    values: BTreeMap<String, String>,
    /// The schema in which `CREATE` puts what has none, if the files say.
    schema: Option<String>,
}

/// One `SET`, `RESET` or `set_config`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    /// A setting gets a value. The schemas are those of a `search_path`.
    Set { name: String, statement: String, schemas: Option<Vec<String>>, local: bool },
    /// A setting is back to its default.
    Reset(String),
    /// All of them are.
    ResetAll,
    /// It makes no difference to what is created.
    Nothing,
    /// It would make a difference to how the files are read: what to do.
    Refused(&'static str),
}

/// What dumps and scripts set that says nothing about the schema.
const IRRELEVANT: &[&str] = &[
    "check_function_bodies",
    "client_min_messages",
    "default_with_oids",
    "escape_string_warning",
    "idle_in_transaction_session_timeout",
    "idle_session_timeout",
    "lock_timeout",
    "maintenance_work_mem",
    "row_security",
    "session_replication_role",
    "statement_timeout",
    "synchronous_commit",
    "transaction_timeout",
    "work_mem",
];

impl Settings {
    /// The schema in which `CREATE` puts what has none.
    pub fn schema(&self) -> &str {
        self.schema.as_deref().unwrap_or("public")
    }

    /// The SQL that leads from `before` to these.
    pub fn switch_from(&self, before: &Self) -> Vec<String> {
        let gone = before.values.keys().filter(|name| !self.values.contains_key(*name));
        let changed = self.values.iter().filter(|(name, value)| before.values.get(*name) != Some(value));
        gone.map(|name| format!("RESET {}", crate::sql::qualified(&name.split('.').collect::<Vec<_>>())))
            .chain(changed.map(|(_, statement)| statement.clone()))
            .collect()
    }

    fn apply(&mut self, change: &Change) {
        match change {
            Change::Set { name, statement, schemas, .. } => {
                self.values.insert(name.clone(), statement.clone());
                if name == "search_path" {
                    self.schema =
                        schemas.iter().flatten().find(|name| *name != "$user" && !name.is_empty()).cloned();
                }
            }
            Change::Reset(name) => {
                self.values.remove(name);
                if name == "search_path" {
                    self.schema = None;
                }
            }
            Change::ResetAll => {
                self.values.retain(|name, _| name == "role");
                self.schema = None;
            }
            Change::Nothing | Change::Refused(_) => {}
        }
    }
}

/// Follows the settings through one file.
#[derive(Default)]
pub(super) struct Tracker {
    session: Settings,
    /// What they are until the transaction that the file began ends.
    local: Option<Settings>,
    in_transaction: bool,
}

impl Tracker {
    /// The settings in force.
    pub fn current(&self) -> &Settings {
        self.local.as_ref().unwrap_or(&self.session)
    }

    /// The file begins or ends a transaction.
    pub fn transaction(&mut self, begins: bool) {
        self.in_transaction = begins;
        self.local = None;
    }

    /// The file changes a setting.
    pub fn change(&mut self, change: &Change) {
        if matches!(change, Change::Set { local: true, .. }) {
            if self.in_transaction {
                self.local.get_or_insert_with(|| self.session.clone()).apply(change);
            }
            return;
        }
        self.session.apply(change);
        if let Some(local) = &mut self.local {
            local.apply(change);
        }
    }
}

/// What a `SET` or `RESET` does.
pub(super) fn of_set(set: &VariableSetStmt, statement: &str) -> Change {
    let value: Vec<String> = set.args.iter().filter_map(text_of).collect();
    let mut name = set.name.to_ascii_lowercase();
    if name == "session_authorization" {
        // for what is created it comes to the same, and takes no superuser
        "role".clone_into(&mut name);
        if let (VariableSetKind::VarSetValue, Some(role)) = (set.kind(), value.first()) {
            let statement = format!("SET ROLE {}", crate::sql::ident(role));
            return Change::Set { name, statement, schemas: None, local: set.is_local };
        }
    }
    match set.kind() {
        VariableSetKind::VarSetValue => change(name, value, statement, set.is_local),
        VariableSetKind::VarSetDefault | VariableSetKind::VarReset => Change::Reset(name),
        VariableSetKind::VarResetAll => Change::ResetAll,
        VariableSetKind::VarSetMulti | VariableSetKind::VarSetCurrent | VariableSetKind::Undefined => {
            Change::Nothing
        }
    }
}

/// What `SELECT set_config(name, value, is_local)` does.
pub(super) fn of_set_config(arguments: &[Node], statement: &str) -> Change {
    let text = |index: usize| arguments.get(index).and_then(text_of);
    let Some(name) = text(0) else { return Change::Nothing };
    let value = text(1).unwrap_or_default();
    let value = value.split(',').map(|part| part.trim().trim_matches('"').to_owned()).collect();
    change(name.to_ascii_lowercase(), value, statement, text(2).as_deref() == Some("true"))
}

fn change(name: String, value: Vec<String>, statement: &str, local: bool) -> Change {
    let first = value.first().map(|value| value.to_ascii_lowercase()).unwrap_or_default();
    match name.as_str() {
        "client_encoding" if matches!(first.as_str(), "utf8" | "utf-8" | "unicode" | "sql_ascii") => {
            Change::Nothing
        }
        "client_encoding" => Change::Refused("save the file as UTF-8 and remove the line"),
        "standard_conforming_strings" if matches!(first.as_str(), "on" | "true" | "1" | "yes") => {
            Change::Nothing
        }
        "standard_conforming_strings" => {
            Change::Refused("write strings with backslashes as E'…' and remove the line")
        }
        _ if IRRELEVANT.contains(&name.as_str()) => Change::Nothing,
        _ => {
            let schemas = (name == "search_path").then_some(value);
            Change::Set { name, statement: as_session(statement, local), schemas, local }
        }
    }
}

/// The same for the session: each statement is its own transaction when it is loaded.
fn as_session(statement: &str, local: bool) -> String {
    let rest = statement.get(3..).map(str::trim_start).unwrap_or_default();
    match rest.get(..5) {
        Some(word) if local && word.eq_ignore_ascii_case("local") => format!("SET SESSION {}", &rest[5..]),
        _ if local => statement.replacen("true", "false", 1),
        _ => statement.to_owned(),
    }
}

/// A constant as text.
fn text_of(node: &Node) -> Option<String> {
    match node.node.as_ref()? {
        NodeEnum::String(text) => Some(text.sval.clone()),
        NodeEnum::TypeCast(cast) => text_of(cast.arg.as_ref()?),
        NodeEnum::AConst(constant) => match constant.val.as_ref()? {
            a_const::Val::Sval(text) => Some(text.sval.clone()),
            a_const::Val::Ival(number) => Some(number.ival.to_string()),
            a_const::Val::Boolval(value) => Some(value.boolval.to_string()),
            a_const::Val::Fval(number) => Some(number.fval.clone()),
            a_const::Val::Bsval(_) => None,
        },
        _ => None,
    }
}
