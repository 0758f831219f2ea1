//! What an index is built of, whether it stands alone or behind a constraint. PostgreSQL prints an index as a whole; what
//! is asked of one is in the catalog.

use serde::{Deserialize, Serialize};

use super::{Options, with_options};
use crate::sql;

/// What is said of an index behind the name of its table, but for its parameters and its tablespace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexBody {
    /// What stands before those, as PostgreSQL prints it: `USING btree (a) INCLUDE (b)`.
    pub using: String,
    /// Whether a unique index takes NULL for equal to NULL.
    #[serde(skip_serializing_if = "is_false")]
    pub nulls_not_distinct: bool,
    /// The condition of WHERE.
    pub predicate: Option<String>,
    /// The same for who asks.
    #[serde(skip_serializing)]
    pub shape: Box<IndexShape>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}

/// What the text of an index says, as the catalog has it. Two indexes of one text have the same.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IndexShape {
    /// The access method.
    pub access_method: String,
    /// What it is over, in order, without what INCLUDE adds.
    pub keys: Vec<IndexKey>,
    /// Whether an expression or the predicate names a type that somebody made.
    pub typed: bool,
}

impl PartialEq for IndexShape {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for IndexShape {}

/// A column or an expression of an index.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IndexKey {
    /// The column, if it is one.
    pub column: Option<String>,
    /// The column or the expression as SQL.
    pub expression: String,
    /// The collation, as SQL, where it is not that of the column.
    pub collation: Option<String>,
    /// Whether its operator class takes those values for equal that GROUP BY does.
    pub usual_equality: bool,
}

impl IndexKey {
    /// What is compared, as SQL.
    pub fn compared(&self) -> String {
        match &self.collation {
            Some(collation) => format!("{} COLLATE {collation}", self.expression),
            None => self.expression.clone(),
        }
    }
}

impl IndexBody {
    /// A btree of these columns, which stores others besides.
    pub fn btree(columns: &[String], included: &[String]) -> Self {
        let keys: Vec<IndexKey> = columns
            .iter()
            .map(|column| IndexKey {
                column: Some(column.clone()),
                expression: sql::ident(column),
                collation: None,
                usual_equality: true,
            })
            .collect();
        let list = |columns: &[String]| {
            columns.iter().map(|column| sql::ident(column)).collect::<Vec<_>>().join(", ")
        };
        let mut using = format!("USING btree ({})", list(columns));
        if !included.is_empty() {
            using += &format!(" INCLUDE ({})", list(included));
        }
        Self {
            using,
            nulls_not_distinct: false,
            predicate: None,
            shape: Box::new(IndexShape { access_method: "btree".to_owned(), keys, typed: false }),
        }
    }

    /// The whole, with parameters and tablespace.
    pub fn text(&self, options: &Options, tablespace: Option<&str>) -> String {
        let mut text = self.using.clone();
        if self.nulls_not_distinct {
            text += " NULLS NOT DISTINCT";
        }
        text += &with_options(options);
        if let Some(name) = tablespace {
            text += &format!(" TABLESPACE {}", sql::ident(name));
        }
        if let Some(condition) = &self.predicate {
            text += &format!(" WHERE {condition}");
        }
        text
    }

    /// Whether it has expressions: PostgreSQL may print the same in another way.
    pub fn is_computed(&self) -> bool {
        self.predicate.is_some() || self.shape.keys.iter().any(|key| key.column.is_none())
    }

    /// The columns that it begins with, up to the first expression.
    pub fn leading_columns(&self) -> impl Iterator<Item = &str> {
        self.shape.keys.iter().map_while(|key| key.column.as_deref())
    }
}
