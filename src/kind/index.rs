//! Indexes that are not behind a constraint.

use serde::{Deserialize, Serialize};

use super::{Alter, Ddl, Definition, Options, OptionsOf, Touch, column::Lineage, index_body::IndexBody, option_changes};
use crate::{name::{Kind, ObjectId, Pair}, sql::{self, Sql}};

/// An index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Index {
    /// What it is built of.
    #[serde(flatten)]
    pub body: IndexBody,
    /// Schema and name of the table or materialized view.
    pub table: Vec<String>,
    /// Whether that is a materialized view.
    pub on_materialized_view: bool,
    /// Whether two equal keys are refused.
    pub unique: bool,
    /// Whether it is on a partitioned table.
    pub partitioned: bool,
    /// Whether queries can use it: false for what an interrupted CREATE INDEX CONCURRENTLY left behind.
    pub valid: bool,
    /// Whether the table is clustered on it.
    pub clustered: bool,
    /// Whether it is the table's replica identity.
    pub replica_identity: bool,
    /// Storage parameters.
    pub options: Options,
    /// Statistics targets of its expressions: column number and target.
    pub statistics: Vec<(i16, i32)>,
    /// The tablespace where it is not the database's.
    pub tablespace: Option<String>,
    /// Where it comes from.
    #[serde(flatten, skip_serializing)]
    pub lineage: Lineage,
}

impl Index {
    /// One of which nothing is special.
    pub fn plain(table: Vec<String>, body: IndexBody) -> Self {
        Self {
            body,
            table,
            on_materialized_view: false,
            unique: false,
            partitioned: false,
            valid: true,
            clustered: false,
            replica_identity: false,
            options: Options::default(),
            statistics: Vec::new(),
            tablespace: None,
            lineage: Lineage::default(),
        }
    }

    /// CREATE INDEX under this name, CONCURRENTLY or not, and the settings that follow it.
    pub fn statements(&self, id: &ObjectId, concurrently: bool) -> Vec<Sql> {
        let unique = if self.unique { "UNIQUE " } else { "" };
        let concurrently = if concurrently { "CONCURRENTLY " } else { "" };
        let create =
            format!("CREATE {unique}INDEX {concurrently}{} {}", sql::ident(id.path.last()), self.on());
        std::iter::once(Sql::new(create)).chain(self.settings(id)).collect()
    }

    /// What CREATE INDEX says behind the name: `ON public.t USING btree (a)`.
    pub fn on(&self) -> String {
        self.on_relation(&sql::qualified(&self.table))
    }

    /// The same of another one with the same columns.
    pub fn on_relation(&self, relation: &str) -> String {
        let only = if self.partitioned { "ONLY " } else { "" };
        format!("ON {only}{relation} {}", self.body.text(&self.options, self.tablespace.as_deref()))
    }

    /// What is said of an index once it is there.
    pub fn settings(&self, id: &ObjectId) -> Vec<Sql> {
        let mut statements = Vec::new();
        let (table, name) = (sql::qualified(&self.table), sql::ident(id.path.last()));
        for (column, target) in &self.statistics {
            statements.push(Sql::new(format!("ALTER INDEX {} ALTER COLUMN {column} SET STATISTICS {target}", id.sql())));
        }
        let alter = if self.on_materialized_view { "ALTER MATERIALIZED VIEW" } else { "ALTER TABLE" };
        if self.clustered {
            statements.push(Sql::new(format!("{alter} {table} CLUSTER ON {name}")));
        }
        if self.replica_identity {
            statements.push(Sql::new(format!("ALTER TABLE {table} REPLICA IDENTITY USING INDEX {name}")));
        }
        statements
    }

    /// The table or materialized view.
    pub fn relation(&self) -> ObjectId {
        let kind = if self.on_materialized_view { Kind::MaterializedView } else { Kind::Table };
        ObjectId::new(kind, self.table.clone())
    }
}

impl Definition for Index {
    const QUERY: &'static str = concat!("WITH ", include_str!("index_body.sql"), include_str!("index.sql"));
    const ROWS: &'static str = "pg_index WHERE indrelid >= 16384";

    fn create(&self, id: &ObjectId) -> Ddl {
        Ddl::Statements(self.statements(id, false))
    }

    fn drop(&self, id: &ObjectId) -> Ddl {
        Ddl::statement(format!("DROP INDEX {}", id.sql()))
    }

    fn alter(pair: Pair<&Self>, id: &ObjectId) -> Alter {
        let Pair { before, after } = pair;
        let Self {
            body,
            table,
            on_materialized_view: _,
            unique,
            partitioned,
            valid,
            clustered,
            replica_identity,
            options,
            statistics,
            tablespace,
            lineage: _,
        } = after;
        if *body != before.body || *unique != before.unique || *table != before.table || *valid != before.valid {
            return Alter::Replace;
        }
        // "ALTER action SET cannot be performed on relation …: not supported for partitioned indexes"
        if *partitioned && *options != before.options {
            return Alter::Replace;
        }
        let mut statements = Vec::new();
        for clause in option_changes(Pair::new(&before.options, options)) {
            statements.push(Sql::new(format!("ALTER INDEX {} {clause}", id.sql())));
        }
        if *tablespace != before.tablespace {
            let name = tablespace.as_deref().map_or("pg_default".to_owned(), sql::ident);
            statements.push(Sql::new(format!("ALTER INDEX {} SET TABLESPACE {name}", id.sql())));
        }
        for (column, _) in before.statistics.iter().filter(|(column, _)| statistics.iter().all(|(kept, _)| kept != column)) {
            statements.push(Sql::new(format!("ALTER INDEX {} ALTER COLUMN {column} SET STATISTICS -1", id.sql())));
        }
        if before.clustered && !clustered {
            statements.push(Sql::new(format!("ALTER TABLE {} SET WITHOUT CLUSTER", sql::qualified(table))));
        }
        let news = Self {
            clustered: *clustered && !before.clustered,
            replica_identity: *replica_identity && !before.replica_identity,
            statistics: statistics.iter().filter(|entry| !before.statistics.contains(entry)).copied().collect(),
            ..after.clone()
        };
        statements.extend(news.settings(id));
        Alter::InPlace(Ddl::Statements(statements), None)
    }

    fn rename(&self, ids: Pair<&ObjectId>) -> Option<Ddl> {
        let name = sql::ident(ids.after.path.last());
        Some(Ddl::statement(format!("ALTER INDEX {} RENAME TO {name}", ids.before.sql())))
    }

    /// PostgreSQL builds it anew when a column's type changes; a predicate or expression with a literal of an
    /// exchanged type would not fit any more.
    fn survives(&self, touch: Touch) -> bool {
        match touch {
            Touch::Modifier | Touch::Type => true,
            // the values may be text for a while, and other access methods have nothing to do with that; and it has a
            // collation of its own whatever its columns get
            Touch::Rebuild => {
                let shape = &self.body.shape;
                shape.access_method == "btree" && !shape.typed && shape.keys.iter().all(|key| key.collation.is_none())
            }
            Touch::Drop => false,
        }
    }

    fn part_of(&self, _: &ObjectId) -> Option<ObjectId> {
        Some(self.relation())
    }

    fn visit_options(&mut self, visit: &mut dyn FnMut(OptionsOf, &mut Options)) {
        visit(OptionsOf::Relation, &mut self.options);
    }
}
