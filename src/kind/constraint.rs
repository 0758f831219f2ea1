//! Table constraints: primary key, unique, foreign key, check, exclusion.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::{
    Alter, Ddl, Definition, Options, OptionsOf, TableDdl, Touch, column::Lineage, index_body::IndexBody, option_changes, with_options,
};
use crate::{name::{Kind, ObjectId, Pair}, sql::{self, Sql}};

/// A constraint of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Constraint {
    /// Which sort.
    pub contype: ConstraintType,
    /// `pg_get_constraintdef` without NOT VALID.
    pub definition: String,
    /// Whether every row is known to satisfy it.
    pub validated: bool,
    /// The columns it is over, in order.
    pub columns: Vec<String>,
    /// For a foreign key: schema and name of the table that it references.
    pub references: Option<Vec<String>>,
    /// Whether the table is clustered on its index.
    pub clustered: bool,
    /// Whether its index is the table's replica identity.
    pub replica_identity: bool,
    /// Storage parameters of its index.
    #[serde(default, skip_serializing_if = "nothing")]
    pub options: Options,
    /// The tablespace of its index where it is not the database's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tablespace: Option<String>,
    /// The same for who asks.
    #[serde(skip_serializing)]
    pub facts: Box<ConstraintFacts>,
    /// Where it comes from.
    #[serde(flatten, skip_serializing)]
    pub lineage: Lineage,
}

fn nothing(options: &Options) -> bool {
    options.is_empty()
}

/// What the definition says, as the catalog has it. Two constraints of one definition have the same.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConstraintFacts {
    /// The columns that a foreign key references, each for its own.
    pub referenced_columns: Vec<String>,
    /// Whether PostgreSQL looks at rows (18 and later: NOT ENFORCED).
    pub enforced: bool,
    /// Whether it compares ranges: WITHOUT OVERLAPS or PERIOD (18 and later).
    pub temporal: bool,
    /// What a check says of each row.
    pub condition: Option<String>,
    /// What the index of a key stores besides.
    pub included: Vec<String>,
    /// Whether UNIQUE takes NULL for equal to NULL.
    pub nulls_not_distinct: bool,
    /// What the definition says behind the parameters of its index: WHERE, DEFERRABLE.
    pub suffix: String,
    /// What is behind EXCLUDE and WITHOUT OVERLAPS.
    pub exclusion: Option<Exclusion>,
}

impl PartialEq for ConstraintFacts {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for ConstraintFacts {}

/// The index behind a constraint of which more than equality is asked.
#[derive(Debug, Clone, Deserialize)]
pub struct Exclusion {
    /// What it is built of.
    #[serde(flatten)]
    pub body: IndexBody,
    /// One operator for each key.
    pub operators: Vec<String>,
}

/// The sorts of constraints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConstraintType {
    /// PRIMARY KEY.
    PrimaryKey,
    /// UNIQUE.
    Unique,
    /// EXCLUDE.
    Exclusion,
    /// CHECK.
    Check,
    /// FOREIGN KEY.
    ForeignKey,
}

impl Constraint {
    /// `CONSTRAINT name definition`, for CREATE TABLE and ADD.
    pub fn element(&self, id: &ObjectId) -> String {
        let not_valid = if self.validated { "" } else { " NOT VALID" };
        let (index, rest) = self.parts();
        let mut settings = with_options(&self.options);
        if let Some(name) = &self.tablespace {
            settings += &format!(" USING INDEX TABLESPACE {}", sql::ident(name));
        }
        format!("CONSTRAINT {} {index}{settings}{rest}{not_valid}", id.sql())
    }

    /// The definition in two: what its index is over, and what follows.
    fn parts(&self) -> (&str, &str) {
        let suffix = self.facts.suffix.as_str();
        self.definition.strip_suffix(suffix).map_or((&self.definition, ""), |over| (over, suffix))
    }

    /// What the index behind it is built of: that of a key is a btree of its columns.
    pub fn body(&self) -> Option<Cow<'_, IndexBody>> {
        if let Some(exclusion) = &self.facts.exclusion {
            return Some(Cow::Borrowed(&exclusion.body));
        }
        let key = || {
            let body = IndexBody::btree(&self.columns, &self.facts.included);
            IndexBody { nulls_not_distinct: self.facts.nulls_not_distinct, ..body }
        };
        self.has_index().then(|| Cow::Owned(key()))
    }

    /// What ALTER TABLE has to say about the index behind it.
    pub fn settings(&self, id: &ObjectId) -> Vec<String> {
        let mut clauses = Vec::new();
        if self.clustered {
            clauses.push(format!("CLUSTER ON {}", id.sql()));
        }
        if self.replica_identity {
            clauses.push(format!("REPLICA IDENTITY USING INDEX {}", id.sql()));
        }
        clauses
    }

    /// Whether CREATE TABLE leaves it out, since it comes from a parent.
    pub fn comes_with_table(&self) -> bool {
        self.lineage.inherited && !self.lineage.partition
    }

    /// Whether ATTACH PARTITION makes it: the copy of a partitioned table's foreign key.
    pub fn comes_with_attachment(&self) -> bool {
        self.lineage.inherited && self.contype == ConstraintType::ForeignKey
    }

    /// Whether it is the primary key, and this column is in it.
    pub fn is_primary_key_over(&self, column: &str) -> bool {
        self.contype == ConstraintType::PrimaryKey && self.columns.iter().any(|name| name == column)
    }

    /// Whether it has an index behind it.
    pub fn has_index(&self) -> bool {
        matches!(self.contype, ConstraintType::PrimaryKey | ConstraintType::Unique | ConstraintType::Exclusion)
    }
}

impl Definition for Constraint {
    const QUERY: &'static str = concat!("WITH RECURSIVE ", include_str!("index_body.sql"), include_str!("constraint.sql"));
    const ROWS: &'static str = "pg_constraint WHERE conrelid >= 16384";

    fn create(&self, id: &ObjectId) -> Ddl {
        let element = self.element(id);
        let mut clauses = vec![format!("ADD {element}")];
        clauses.extend(self.settings(id));
        // a key of a partitioned table is completed by the keys of its partitions, which have their own names
        let only = self.has_index() && self.lineage.partition;
        Ddl::Table(TableDdl { table: id.relation_sql(), element: Some(element), clauses, only })
    }

    fn drop(&self, id: &ObjectId) -> Ddl {
        let clauses = vec![format!("DROP CONSTRAINT {}", id.sql())];
        Ddl::Table(TableDdl { table: id.relation_sql(), clauses, ..TableDdl::default() })
    }

    fn alter(pair: Pair<&Self>, id: &ObjectId) -> Alter {
        let Pair { before, after } = pair;
        let Self {
            contype: _,
            definition,
            validated,
            columns: _,
            references: _,
            facts: _,
            clustered,
            replica_identity,
            options,
            tablespace,
            lineage,
        } = after;
        // "ALTER action SET cannot be performed on relation": not on the index of a partitioned table
        let other_index = *options != before.options || *tablespace != before.tablespace;
        if *definition != before.definition || !validated && before.validated || lineage.partition && other_index {
            return Alter::Replace;
        }
        let mut clauses = Vec::new();
        if *validated && !before.validated {
            clauses.push(format!("VALIDATE CONSTRAINT {}", id.sql()));
        }
        if *clustered != before.clustered {
            clauses.push(if *clustered { format!("CLUSTER ON {}", id.sql()) } else { "SET WITHOUT CLUSTER".to_owned() });
        }
        if *replica_identity && !before.replica_identity {
            clauses.push(format!("REPLICA IDENTITY USING INDEX {}", id.sql()));
        }
        // when it loses the identity, the table or another index says who has it now
        let table = TableDdl { table: id.relation_sql(), clauses, ..TableDdl::default() };
        if !other_index {
            return Alter::InPlace(Ddl::Table(table), None);
        }
        let mut changes = option_changes(Pair::new(&before.options, options));
        if *tablespace != before.tablespace {
            let name = tablespace.as_deref().map_or("pg_default".to_owned(), sql::ident);
            changes.push(format!("SET TABLESPACE {name}"));
        }
        let index = sql::qualified(&[id.path.part(0), id.path.last()]);
        let mut statements: Vec<Sql> =
            changes.iter().map(|change| Sql::new(format!("ALTER INDEX {index} {change}"))).collect();
        statements.extend(table.into_statement());
        Alter::InPlace(Ddl::Statements(statements), None)
    }

    fn rename(&self, ids: Pair<&ObjectId>) -> Option<Ddl> {
        let clauses = vec![format!("RENAME CONSTRAINT {} TO {}", ids.before.sql(), sql::ident(ids.after.path.last()))];
        Some(Ddl::Table(TableDdl { table: ids.before.relation_sql(), clauses, ..TableDdl::default() }))
    }

    /// PostgreSQL builds keys and checks anew when a column's type changes. A foreign key would be compared across
    /// two types in between.
    fn survives(&self, touch: Touch) -> bool {
        match touch {
            Touch::Modifier => true,
            Touch::Type => self.contype != ConstraintType::ForeignKey,
            Touch::Rebuild => self.has_index() && self.contype != ConstraintType::Exclusion,
            Touch::Drop => false,
        }
    }

    fn needs(&self, id: &ObjectId) -> Vec<ObjectId> {
        let references = self.references.iter().map(|table| ObjectId::new(Kind::Table, table.clone()));
        id.relation().into_iter().chain(references).collect()
    }

    fn visit_options(&mut self, visit: &mut dyn FnMut(OptionsOf, &mut Options)) {
        visit(OptionsOf::Relation, &mut self.options);
    }
}
