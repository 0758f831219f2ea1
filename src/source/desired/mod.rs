//! The desired schema: files of SQL, read, checked, put in order and loaded into an empty database.
//!
//! [`read_paths`] gives the files' texts, [`parse`] their statements and annotations, [`load`] executes them.
//! What PostgreSQL makes of them is read by `catalog`; nothing here knows what an object looks like.
//!
//! Order. Statements load by [`Class`] first, within a class as they stand in the files (sorted by name), and what
//! failed for want of something later is tried again before the next class begins: retries alone would let a view
//! `SELECT *` from a table before a column is added to it, or a call be bound to the wrong overload. Each statement
//! runs under the settings (`search_path` …) in force where it stands.
//!
//! Limits: two tables whose `CREATE TABLE`s refer to each other inline do not load, as they do not in psql.

mod attach;
mod class;
mod classify;
mod error;
mod files;
mod load;
mod order;
mod place;
mod read;
mod settings;
mod split;
mod substitute;
mod syntax;
mod tables;
#[cfg(test)]
#[allow(clippy::expect_used, clippy::items_after_statements, reason = "a test fails by panicking")]
mod tests;
mod words;

pub use class::Class;
pub use error::{DesiredError, DesiredErrors, LoadErrors, Rejected};
pub use files::{SourceFile, read_paths};
pub use load::{Loaded, MissingRoles, load};
pub use read::{Desired, Note, Statement, parse};
pub use substitute::{Place, Substituted, substitute};
