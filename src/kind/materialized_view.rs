//! Materialized views.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    Alter, Ddl, Definition, Options, OptionsOf,
    column::{ColumnSettings, TypeFacts},
    option_changes, with_options,
};
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
    /// Its columns of which anything is said, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub columns: BTreeMap<String, ViewedColumn>,
}

/// What is said of a column of a materialized view.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ViewedColumn {
    /// How its values are stored and what is known of them.
    #[serde(flatten)]
    pub settings: ColumnSettings,
    /// What follows from its type.
    #[serde(default, skip_serializing)]
    pub facts: TypeFacts,
}

/// What brings the columns of a materialized view from one to the other.
fn column_changes(pair: Pair<&BTreeMap<String, ViewedColumn>>) -> Vec<String> {
    let names: BTreeSet<&String> = pair.before.keys().chain(pair.after.keys()).collect();
    let usual = ViewedColumn::default();
    let changes = names.into_iter().flat_map(|name| {
        let (before, after) = (pair.before.get(name), pair.after.get(name));
        let facts = after.or(before).map_or(&usual.facts, |column| &column.facts);
        let settings = Pair::new(before.unwrap_or(&usual), after.unwrap_or(&usual));
        let settings = Pair::new(&settings.before.settings, &settings.after.settings);
        let changes = ColumnSettings::changes(settings, facts).into_iter();
        changes.map(|change| format!("ALTER COLUMN {} {change}", sql::ident(name))).collect::<Vec<_>>()
    });
    changes.collect()
}

fn alter(id: &ObjectId, clauses: Vec<String>) -> impl Iterator<Item = Sql> {
    let name = id.sql();
    clauses.into_iter().map(move |clause| Sql::new(format!("ALTER MATERIALIZED VIEW {name} {clause}")))
}

impl Definition for MaterializedView {
    const QUERY: &'static str = include_str!("materialized_view.sql");
    const ROWS: &'static str = "pg_class WHERE relkind = 'm' AND oid >= 16384";

    fn create(&self, id: &ObjectId) -> Ddl {
        let Self { definition, options, access_method, tablespace, columns } = self;
        let using = access_method.as_deref().map(|method| format!(" USING {}", sql::ident(method))).unwrap_or_default();
        let place = tablespace.as_deref().map(|name| format!(" TABLESPACE {}", sql::ident(name))).unwrap_or_default();
        let options = with_options(options);
        let create = format!("CREATE MATERIALIZED VIEW {}{using}{options}{place} AS\n{definition}", id.sql());
        let columns = column_changes(Pair::new(&BTreeMap::new(), columns));
        Ddl::Statements([Sql::new(create)].into_iter().chain(alter(id, columns)).collect())
    }

    fn drop(&self, id: &ObjectId) -> Ddl {
        Ddl::statement(format!("DROP MATERIALIZED VIEW {}", id.sql()))
    }

    fn alter(pair: Pair<&Self>, id: &ObjectId) -> Alter {
        let Self { definition, options, access_method, tablespace, columns } = pair.after;
        if *definition != pair.before.definition {
            return Alter::Replace;
        }
        let mut clauses = option_changes(Pair::new(&pair.before.options, options));
        if *access_method != pair.before.access_method {
            clauses.push(format!("SET ACCESS METHOD {}", access_method.as_deref().map_or("heap".to_owned(), sql::ident)));
        }
        if *tablespace != pair.before.tablespace {
            clauses.push(format!("SET TABLESPACE {}", tablespace.as_deref().map_or("pg_default".to_owned(), sql::ident)));
        }
        clauses.extend(column_changes(Pair::new(&pair.before.columns, columns)));
        Alter::InPlace(Ddl::Statements(alter(id, clauses).collect()), None)
    }

    fn rename(&self, ids: Pair<&ObjectId>) -> Option<Ddl> {
        let name = sql::ident(ids.after.path.last());
        Some(Ddl::statement(format!("ALTER MATERIALIZED VIEW {} RENAME TO {name}", ids.before.sql())))
    }

    fn visit_options(&mut self, visit: &mut dyn FnMut(OptionsOf, &mut Options)) {
        visit(OptionsOf::Relation, &mut self.options);
        for column in self.columns.values_mut() {
            visit(OptionsOf::Column, &mut column.settings.options);
        }
        self.columns.retain(|_, column| column.settings != ColumnSettings::default());
    }
}
