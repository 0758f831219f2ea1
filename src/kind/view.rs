//! Views.

use serde::{Deserialize, Serialize};

use super::{Alter, Ddl, Definition, Options, OptionsOf, with_options};
use crate::{name::{ObjectId, Pair}, sql};

/// A view.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct View {
    /// The query, as `pg_get_viewdef` prints it.
    pub definition: String,
    /// Name, type and collation of each column: `total numeric`.
    pub columns: Vec<String>,
    /// `security_barrier`, `check_option` …
    pub options: Options,
}

impl Definition for View {
    const QUERY: &'static str = include_str!("view.sql");
    const ROWS: &'static str = "pg_class WHERE relkind = 'v' AND oid >= 16384";

    fn create(&self, id: &ObjectId) -> Ddl {
        Ddl::statement(format!("CREATE VIEW {}{} AS\n{}", id.sql(), with_options(&self.options), self.definition))
    }

    fn drop(&self, id: &ObjectId) -> Ddl {
        Ddl::statement(format!("DROP VIEW {}", id.sql()))
    }

    /// CREATE OR REPLACE can only add columns, at the end (PostgreSQL manual, CREATE VIEW).
    fn alter(pair: Pair<&Self>, id: &ObjectId) -> Alter {
        let Self { definition, columns, options } = pair.after;
        if columns.starts_with(&pair.before.columns) {
            let options = with_options(options);
            Alter::InPlace(Ddl::statement(format!("CREATE OR REPLACE VIEW {}{options} AS\n{definition}", id.sql())), None)
        } else {
            Alter::Replace
        }
    }

    fn rename(&self, ids: Pair<&ObjectId>) -> Option<Ddl> {
        let name = sql::ident(ids.after.path.last());
        Some(Ddl::statement(format!("ALTER VIEW {} RENAME TO {name}", ids.before.sql())))
    }

    fn visit_options(&mut self, visit: &mut dyn FnMut(OptionsOf, &mut Options)) {
        visit(OptionsOf::Relation, &mut self.options);
    }
}
