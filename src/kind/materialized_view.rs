//! Materialized views.

use serde::{Deserialize, Serialize};

use super::{Alter, Ddl, Definition, Options, option_changes, with_options};
use crate::{name::{ObjectId, Pair}, sql::{self, Sql}};

/// A materialized view.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MaterializedView {
    /// The query, as `pg_get_viewdef` prints it.
    pub definition: String,
    /// Storage parameters.
    pub options: Options,
    /// The access method where it is not heap.
    pub access_method: Option<String>,
    /// The tablespace where it is not the database's.
    pub tablespace: Option<String>,
}

impl Definition for MaterializedView {
    const QUERY: &'static str = include_str!("materialized_view.sql");
    const ROWS: &'static str = "pg_class WHERE relkind = 'm' AND oid >= 16384";

    fn create(&self, id: &ObjectId) -> Ddl {
        let Self { definition, options, access_method, tablespace } = self;
        let using = access_method.as_deref().map(|method| format!(" USING {}", sql::ident(method))).unwrap_or_default();
        let place = tablespace.as_deref().map(|name| format!(" TABLESPACE {}", sql::ident(name))).unwrap_or_default();
        let options = with_options(options);
        Ddl::statement(format!("CREATE MATERIALIZED VIEW {}{using}{options}{place} AS\n{definition}", id.sql()))
    }

    fn drop(&self, id: &ObjectId) -> Ddl {
        Ddl::statement(format!("DROP MATERIALIZED VIEW {}", id.sql()))
    }

    fn alter(pair: Pair<&Self>, id: &ObjectId) -> Alter {
        let Self { definition, options, access_method, tablespace } = pair.after;
        if *definition != pair.before.definition {
            return Alter::Replace;
        }
        let name = id.sql();
        let mut clauses = option_changes(Pair::new(&pair.before.options, options));
        if *access_method != pair.before.access_method {
            clauses.push(format!("SET ACCESS METHOD {}", access_method.as_deref().map_or("heap".to_owned(), sql::ident)));
        }
        if *tablespace != pair.before.tablespace {
            clauses.push(format!("SET TABLESPACE {}", tablespace.as_deref().map_or("pg_default".to_owned(), sql::ident)));
        }
        let say = |clause: String| Sql::new(format!("ALTER MATERIALIZED VIEW {name} {clause}"));
        Alter::InPlace(Ddl::Statements(clauses.into_iter().map(say).collect()), None)
    }

    fn rename(&self, ids: Pair<&ObjectId>) -> Option<Ddl> {
        let name = sql::ident(ids.after.path.last());
        Some(Ddl::statement(format!("ALTER MATERIALIZED VIEW {} RENAME TO {name}", ids.before.sql())))
    }
}
