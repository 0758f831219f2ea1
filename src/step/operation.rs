//! Operations: what an action is, so that nobody who runs, rehearses, judges or prints it has to read its SQL.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Backfill, Timeouts};
use crate::{
    name::ObjectId,
    sql::{self, Sql},
};

/// What an action does, as far as running it depends on that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Operation {
    /// Nothing, in this direction.
    Nothing,
    /// Statements in a transaction that change only the catalog.
    Catalog,
    /// Statements in a transaction that read, build or write as much as there is.
    Bulk,
    /// Statements in a transaction by which tables become partitions, whose bounds PostgreSQL computes.
    Attach {
        /// The partitioned tables.
        parents: Vec<ObjectId>,
    },
    /// ALTER TABLE that adds a column with a default, which PostgreSQL computes once for the rows that are there.
    AddColumn,
    /// ALTER TABLE that computes values or conditions for the rows of a table.
    Rewrite,
    /// Names are swapped within a transaction: the replacement takes the place of what goes.
    Swap,
    /// Every row is proven to be as a constraint says, under a lock that lets readers and writers go on.
    Validate,
    /// REFRESH MATERIALIZED VIEW.
    Refresh {
        /// The materialized view.
        view: ObjectId,
    },
    /// CREATE INDEX CONCURRENTLY.
    BuildIndex {
        /// The index.
        index: ObjectId,
        /// The relation that it is on.
        table: ObjectId,
        /// Whether it is UNIQUE.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        unique: bool,
        /// What the statement says behind the name: `ON public.t USING btree (a)`.
        definition: String,
    },
    /// DROP INDEX CONCURRENTLY.
    DropIndex {
        /// The index.
        index: ObjectId,
        /// Whether it may be gone, with what it was part of.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        if_exists: bool,
    },
    /// DETACH PARTITION … CONCURRENTLY.
    Detach {
        /// The partitioned table.
        parent: ObjectId,
        /// The partition.
        partition: ObjectId,
    },
    /// One statement that runs again and again, each time for the next rows, in a transaction of its own.
    Backfill(Backfill),
}

impl Operation {
    /// Whether it runs within a transaction; if not, it is one statement.
    pub fn is_transactional(&self) -> bool {
        match self {
            Self::Nothing
            | Self::Catalog
            | Self::Bulk
            | Self::Attach { .. }
            | Self::AddColumn
            | Self::Rewrite
            | Self::Swap
            | Self::Validate
            | Self::Refresh { .. } => true,
            Self::BuildIndex { .. } | Self::DropIndex { .. } | Self::Detach { .. } | Self::Backfill(_) => {
                false
            }
        }
    }

    /// Whether it reads as much as there is, in a transaction that is to hold no strong lock of another meanwhile.
    pub fn reads_all(&self) -> bool {
        matches!(self, Self::Validate | Self::Refresh { .. })
    }

    /// Whether it runs code of the database over rows: expressions, checks, triggers. (What builds an index or refreshes a
    /// materialized view does so, too, and PostgreSQL sees to whose rights that code has.)
    pub fn runs_code(&self) -> bool {
        matches!(
            self,
            Self::Attach { .. } | Self::AddColumn | Self::Rewrite | Self::Validate | Self::Backfill(_)
        )
    }

    /// The backfill, if it is one.
    pub fn backfill(&self) -> Option<&Backfill> {
        match self {
            Self::Backfill(backfill) => Some(backfill),
            _ => None,
        }
    }

    /// How long it may wait and run.
    pub fn timeouts(&self) -> Timeouts {
        match self {
            Self::Nothing | Self::Catalog | Self::AddColumn | Self::Swap | Self::Backfill(_) => {
                Timeouts::CATALOG
            }
            Self::Bulk | Self::Attach { .. } | Self::Rewrite | Self::Validate | Self::Refresh { .. } => {
                Timeouts::SLOW
            }
            Self::BuildIndex { .. } | Self::DropIndex { .. } | Self::Detach { .. } => Timeouts::CONCURRENT,
        }
    }

    /// The statement, where it follows from what the operation says.
    pub fn statement(&self) -> Option<Sql> {
        self.rendered(true)
    }

    /// The statement that does the same within a transaction, under the locks that others wait for.
    pub fn plain_statement(&self) -> Option<Sql> {
        self.rendered(false)
    }

    fn rendered(&self, concurrently: bool) -> Option<Sql> {
        let word = if concurrently { "CONCURRENTLY" } else { "" };
        let words = match self {
            Self::BuildIndex { index, unique, definition, .. } => {
                let unique = if *unique { "UNIQUE" } else { "" };
                spaced(&["CREATE", unique, "INDEX", word, &sql::ident(index.path.last()), definition])
            }
            Self::Refresh { view } => format!("REFRESH MATERIALIZED VIEW {}", view.sql()),
            Self::DropIndex { index, if_exists } => {
                let if_exists = if *if_exists { "IF EXISTS" } else { "" };
                spaced(&["DROP INDEX", word, if_exists, &index.sql()])
            }
            Self::Detach { parent, partition } => {
                let [parent, partition] = [parent, partition].map(|table| sql::qualified(table.path.parts()));
                spaced(&["ALTER TABLE", &parent, "DETACH PARTITION", &partition, word])
            }
            _ => return None,
        };
        Some(Sql::new(words))
    }

    /// What is wrong with these statements for it, as words that follow the step's number.
    pub fn flaw(&self, sql: &[Sql]) -> Option<&'static str> {
        match (self, sql) {
            (Self::Nothing, []) => None,
            (Self::Nothing, _) => Some("it does nothing, and has statements"),
            (_, []) => Some("it does something, and has no statement"),
            (_, [_, _, ..]) if !self.is_transactional() => {
                Some("outside a transaction there is exactly one statement")
            }
            (_, [sql, ..]) if self.statement().is_some_and(|it| it != *sql) => {
                Some("the statement is not what the operation says")
            }
            _ => None,
        }
    }
}

/// The words that are there, with a space between them.
fn spaced(words: &[&str]) -> String {
    words.iter().filter(|word| !word.is_empty()).copied().collect::<Vec<_>>().join(" ")
}

/// Statements and what they do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// What it does.
    pub operation: Operation,
    /// In order; none where there is nothing to do.
    pub sql: Vec<Sql>,
    /// How long it may wait and run.
    pub timeouts: Timeouts,
    /// By the place of a statement of a plan, the table or domain whose code it runs: with the rights of its owner.
    pub code: BTreeMap<usize, ObjectId>,
}

impl Action {
    fn new(operation: Operation, sql: Vec<Sql>) -> Self {
        let operation = if sql.is_empty() { Operation::Nothing } else { operation };
        let timeouts = operation.timeouts();
        Self { operation, sql, timeouts, code: BTreeMap::new() }
    }

    /// Nothing to do.
    pub fn nothing() -> Self {
        Self::new(Operation::Nothing, Vec::new())
    }

    /// Statements in a transaction that change only the catalog.
    pub fn catalog(sql: Vec<Sql>) -> Self {
        Self::new(Operation::Catalog, sql)
    }

    /// Statements in a transaction that take the time they need.
    pub fn bulk(sql: Vec<Sql>) -> Self {
        Self::new(Operation::Bulk, sql)
    }

    /// Marks statements in a transaction by which tables become partitions of these.
    pub fn attaches<'a>(&mut self, parents: impl IntoIterator<Item = &'a ObjectId>) {
        let parents: Vec<ObjectId> = parents.into_iter().cloned().collect();
        if matches!(self.operation, Operation::Catalog | Operation::Bulk) && !parents.is_empty() {
            self.operation = Operation::Attach { parents };
        }
    }

    /// ALTER TABLE … ADD COLUMN with a default.
    pub fn add_column(sql: Vec<Sql>) -> Self {
        Self::new(Operation::AddColumn, sql)
    }

    /// ALTER TABLE that computes something for each row.
    pub fn rewrite(sql: Vec<Sql>) -> Self {
        Self::new(Operation::Rewrite, sql)
    }

    /// Statements in a transaction by which one thing takes the place of another that goes.
    pub fn swap(sql: Vec<Sql>) -> Self {
        Self::new(Operation::Swap, sql)
    }

    /// A proof that every row is as it should be.
    pub fn validate(sql: Vec<Sql>) -> Self {
        Self::new(Operation::Validate, sql)
    }

    /// REFRESH MATERIALIZED VIEW.
    pub fn refresh(view: ObjectId) -> Self {
        Self::rendered(Operation::Refresh { view })
    }

    /// CREATE INDEX CONCURRENTLY, and what it says behind the index's name.
    pub fn build_index(index: ObjectId, table: ObjectId, unique: bool, definition: String) -> Self {
        Self::rendered(Operation::BuildIndex { index, table, unique, definition })
    }

    /// DROP INDEX CONCURRENTLY.
    pub fn drop_index(index: ObjectId) -> Self {
        Self::rendered(Operation::DropIndex { index, if_exists: false })
    }

    /// DROP INDEX CONCURRENTLY IF EXISTS.
    pub fn drop_index_if_exists(index: ObjectId) -> Self {
        Self::rendered(Operation::DropIndex { index, if_exists: true })
    }

    /// DETACH PARTITION … CONCURRENTLY.
    pub fn detach(parent: ObjectId, partition: ObjectId) -> Self {
        Self::rendered(Operation::Detach { parent, partition })
    }

    /// A statement that fills rows in batches.
    pub fn fill(sql: Sql, backfill: Backfill) -> Self {
        Self::new(Operation::Backfill(backfill), vec![sql])
    }

    fn rendered(operation: Operation) -> Self {
        let sql = operation.statement().into_iter().collect();
        Self::new(operation, sql)
    }

    /// Whether there is nothing to do.
    pub fn is_nothing(&self) -> bool {
        self.operation == Operation::Nothing
    }

    /// Whether it runs within a transaction.
    pub fn is_transactional(&self) -> bool {
        self.operation.is_transactional()
    }

    /// The same, and then these.
    #[must_use]
    pub fn and(self, more: impl IntoIterator<Item = Sql>) -> Self {
        let operation = if self.is_nothing() { Operation::Catalog } else { self.operation };
        Self::new(operation, self.sql.into_iter().chain(more).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> ObjectId {
        text.parse().unwrap()
    }

    #[test]
    fn what_follows_from_an_operation_is_rendered_with_its_quotes() {
        let Action { operation, sql, timeouts, .. } =
            Action::detach(id("table app.\"T\""), id("table app.\"t 1\""));
        assert_eq!(sql[0].as_str(), "ALTER TABLE app.\"T\" DETACH PARTITION app.\"t 1\" CONCURRENTLY");
        assert_eq!(timeouts, Timeouts::CONCURRENT);
        assert_eq!(operation.flaw(&sql), None);
        let table = id("table app.t");
        let built = Action::build_index(id("index app.\"I x\""), table, true, "ON app.t (a)".to_owned());
        assert_eq!(built.sql[0].as_str(), "CREATE UNIQUE INDEX CONCURRENTLY \"I x\" ON app.t (a)");
        let plain = built.operation.plain_statement().unwrap();
        assert_eq!(plain.as_str(), "CREATE UNIQUE INDEX \"I x\" ON app.t (a)");
        let Action { sql, .. } = Action::drop_index_if_exists(id("index app.\"I x\""));
        assert_eq!(sql[0].as_str(), "DROP INDEX CONCURRENTLY IF EXISTS app.\"I x\"");
    }

    #[test]
    fn statements_that_are_not_what_the_operation_says_are_a_flaw() {
        let drop = Operation::DropIndex { index: id("index app.i"), if_exists: false };
        let sql = |text: &str| vec![Sql::new(text)];
        assert_eq!(drop.flaw(&sql("DROP INDEX CONCURRENTLY app.i")), None);
        assert_eq!(
            drop.flaw(&sql("DROP INDEX CONCURRENTLY app.j")),
            Some("the statement is not what the operation says")
        );
        assert_eq!(Operation::Catalog.flaw(&[]), Some("it does something, and has no statement"));
        assert_eq!(Operation::Nothing.flaw(&sql("SELECT 1")), Some("it does nothing, and has statements"));
        assert_eq!(
            drop.flaw(&[sql("SELECT 1"), sql("SELECT 2")].concat()),
            Some("outside a transaction there is exactly one statement")
        );
    }

    #[test]
    fn statements_that_come_to_nothing_make_no_operation() {
        assert!(Action::bulk(Vec::new()).is_nothing());
        assert_eq!(Action::nothing().and([Sql::new("SELECT 1")]).operation, Operation::Catalog);
    }
}
