//! Options as PostgreSQL's catalogs keep them, `name=value`, and which of them are a user's.
//!
//! A server keeps options of its own in the same columns. Since the minor releases of November 2026 the back branches
//! keep `pg_attver=<number>` in `pg_attribute.attoptions` of every column (catalog/pg_attribute.h,
//! `ATTRIBUTE_VERSION_ATTOPTION`): another number in each database and after each change of type, which pg_dump leaves
//! out and which older minors refuse. Such an option is no part of a schema, so that no catalog has it.

use std::collections::BTreeSet;

use super::any_order::AnyOrder;

/// Options, `name=value`, as `reloptions`, `attoptions` and `proconfig` keep them.
pub type Options = AnyOrder<String>;

/// What an option is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OptionsOf {
    /// A column: `attoptions`.
    Column,
    /// A relation or its TOAST table: `reloptions`.
    Relation,
    /// A function: `proconfig`.
    Function,
}

/// The options of columns that users set: `attoptions` knows no others (PostgreSQL manual, ALTER TABLE,
/// `SET ( attribute_option = value )`).
const OF_COLUMNS: [&str; 2] = ["n_distinct", "n_distinct_inherited"];

impl OptionsOf {
    /// Whether a user can have set the option of this name.
    ///
    /// Where PostgreSQL has a closed list, the name must be on it. Elsewhere extensions add names: those that begin with
    /// `pg_` are the server's, as such names are elsewhere in PostgreSQL, but for settings of extensions such as
    /// `pg_trgm.similarity_threshold`.
    pub fn is_settable(self, name: &str) -> bool {
        match self {
            Self::Column => OF_COLUMNS.contains(&name),
            Self::Relation => !name.strip_prefix("toast.").unwrap_or(name).starts_with("pg_"),
            Self::Function => !name.starts_with("pg_") || name.contains('.'),
        }
    }
}

/// The name of an option, `name=value`.
pub fn name_of(option: &str) -> &str {
    option.split('=').next().unwrap_or_default()
}

/// Keeps the options that users can set and that are not ignored (`[compare] ignore_options`).
pub fn keep_settable(of: OptionsOf, options: &mut Options, ignored: &BTreeSet<String>) {
    options.retain(|option| of.is_settable(name_of(option)) && !ignored.contains(name_of(option)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_of_the_server_are_not_kept() {
        let kept = |of, options: &[&str]| {
            let mut options: Options = options.iter().map(|option| (*option).to_owned()).collect();
            keep_settable(of, &mut options, &BTreeSet::from(["srv_map".to_owned()]));
            options.to_vec()
        };
        assert_eq!(kept(OptionsOf::Column, &["pg_attver=7", "n_distinct=5", "other=1"]), ["n_distinct=5"]);
        assert_eq!(
            kept(OptionsOf::Relation, &["fillfactor=70", "pg_next=1", "toast.pg_next=1", "srv_map=1"]),
            ["fillfactor=70"]
        );
        assert_eq!(
            kept(OptionsOf::Function, &["pg_next=1", "pg_trgm.similarity_threshold=0.5", "work_mem=1MB"]),
            ["pg_trgm.similarity_threshold=0.5", "work_mem=1MB"]
        );
    }
}
