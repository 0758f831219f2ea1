//! Functions and procedures, told apart by their input types.

use serde::{Deserialize, Serialize};

use super::{Alter, Ddl, Definition, Options, OptionsOf, Touch, options::name_of};
use crate::{name::{ObjectId, Pair}, sql};

/// A function, a window function or a procedure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Function {
    /// `function` or `procedure`.
    pub routine: String,
    /// The language's name.
    pub language: String,
    /// `pg_get_functiondef`: CREATE OR REPLACE and all attributes.
    pub definition: String,
    /// The result, OUT columns too; None for a procedure.
    pub result: Option<String>,
    /// Argument modes and names; an argument without a name has an empty one.
    pub arguments: Vec<String>,
    /// How many arguments have a default.
    pub defaults: u32,
    /// The body as it was written; empty for a body in SQL-standard form, whose dependencies PostgreSQL knows.
    pub source: String,
    /// Its settings, which the definition has, too.
    #[serde(default, skip_serializing)]
    pub settings: Options,
}

impl Definition for Function {
    const QUERY: &'static str = include_str!("function.sql");
    const ROWS: &'static str = "pg_proc WHERE prokind <> 'a' AND oid >= 16384";

    fn create(&self, _: &ObjectId) -> Ddl {
        Ddl::statement(self.definition.trim_end())
    }

    fn drop(&self, id: &ObjectId) -> Ddl {
        Ddl::statement(format!("DROP {} {}", self.routine.to_uppercase(), id.sql()))
    }

    /// CREATE OR REPLACE keeps result, argument names and defaults (PostgreSQL manual, CREATE FUNCTION).
    fn alter(pair: Pair<&Self>, id: &ObjectId) -> Alter {
        let Self { routine, language: _, definition: _, result, arguments, defaults, source: _, settings: _ } = pair.after;
        let before = pair.before;
        // "cannot change name of input parameter": one that has no name may get one
        let named = before.arguments.len() == arguments.len()
            && before.arguments.iter().zip(arguments).all(|(old, new)| old == new || old.ends_with(' '));
        if *routine == before.routine && *result == before.result && named && *defaults >= before.defaults {
            Alter::InPlace(pair.after.create(id), None)
        } else {
            Alter::Replace
        }
    }

    fn rename(&self, ids: Pair<&ObjectId>) -> Option<Ddl> {
        let name = sql::ident(ids.after.path.part(1));
        Some(Ddl::statement(format!("ALTER {} {} RENAME TO {name}", self.routine.to_uppercase(), ids.before.sql())))
    }

    fn visit_options(&mut self, visit: &mut dyn FnMut(OptionsOf, &mut Options)) {
        let before = self.settings.clone();
        visit(OptionsOf::Function, &mut self.settings);
        for gone in before.without(&self.settings) {
            // `pg_get_functiondef` gives each setting a line before the body
            let line = format!("\n SET {} TO ", sql::ident(name_of(gone)));
            if let Some(begin) = self.definition.find(&line) {
                let rest = begin + line.len();
                let end = self.definition[rest..].find('\n').map_or(self.definition.len(), |at| rest + at);
                self.definition.replace_range(begin..end, "");
            }
        }
    }

    /// Bodies in SQL-standard form depend on columns as views do; others are only text.
    fn survives(&self, touch: Touch) -> bool {
        touch <= Touch::Type && !self.source.is_empty()
    }
}
