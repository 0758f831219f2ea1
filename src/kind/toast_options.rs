//! Storage parameters of the TOAST table, which is there while some column may be long: what is said of it before is
//! lost, so that this waits for the columns.

use serde::{Deserialize, Serialize};

use super::{Alter, Ddl, Definition, Options, OptionsOf, TableDdl, Touch, option_changes};
use crate::name::{Kind, ObjectId, Pair};

/// The parameters of a relation's TOAST table. Its path is the relation's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToastOptions {
    /// `toast.autovacuum_enabled=off` and the like.
    pub options: Options,
    /// Whether it is of a materialized view.
    pub on_materialized_view: bool,
    /// The columns that may be long.
    #[serde(skip_serializing)]
    pub columns: LongColumns,
}

/// Names of columns: no difference between two readings.
#[derive(Debug, Clone, Deserialize)]
#[serde(transparent)]
pub struct LongColumns(Vec<String>);

impl PartialEq for LongColumns {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for LongColumns {}

fn changes(id: &ObjectId, before: &Options, after: &Options) -> Ddl {
    let clauses = option_changes(Pair::new(before, after));
    Ddl::Table(TableDdl { table: id.relation_sql(), clauses, ..TableDdl::default() })
}

impl Definition for ToastOptions {
    const QUERY: &'static str = include_str!("toast_options.sql");
    const ROWS: &'static str = "pg_class WHERE relkind = 't' AND reloptions IS NOT NULL AND oid >= 16384";

    fn create(&self, id: &ObjectId) -> Ddl {
        changes(id, &Options::default(), &self.options)
    }

    fn drop(&self, id: &ObjectId) -> Ddl {
        changes(id, &self.options, &Options::default())
    }

    fn alter(pair: Pair<&Self>, id: &ObjectId) -> Alter {
        let Self { options, on_materialized_view: _, columns: _ } = pair.after;
        Alter::InPlace(changes(id, &pair.before.options, options), None)
    }

    /// The TOAST table stays when columns go.
    fn survives(&self, touch: Touch) -> bool {
        touch < Touch::Drop || !self.on_materialized_view
    }

    fn part_of(&self, id: &ObjectId) -> Option<ObjectId> {
        let kind = if self.on_materialized_view { Kind::MaterializedView } else { Kind::Table };
        Some(ObjectId { kind, path: id.path.clone() })
    }

    fn needs(&self, id: &ObjectId) -> Vec<ObjectId> {
        let column = |name: &String| {
            ObjectId::new(Kind::Column, [id.path.parts(), std::slice::from_ref(name)].concat())
        };
        self.columns.0.iter().map(column).chain(self.part_of(id)).collect()
    }

    fn visit_options(&mut self, visit: &mut dyn FnMut(OptionsOf, &mut Options)) {
        visit(OptionsOf::Relation, &mut self.options);
    }
}
