//! Assumptions: what was decided by how much there was in the database that a plan was made for.
//!
//! The same statement that takes a moment on an empty table, or was accepted for a small one, keeps everybody out for as long
//! as a big one is big: in another environment, or a month later. So a plan says what it was made for, and whoever applies it
//! there looks first.

use serde::{Deserialize, Serialize};

use crate::{
    facts::{Size, number, said},
    step::Phase,
};

/// How much there was in a table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assumption {
    /// The phase of the step.
    pub phase: Phase,
    /// The step that was decided by it.
    pub step: u32,
    /// The table, as SQL names it.
    pub table: String,
    /// What it is called until the plan renames it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renamed_from: Option<String>,
    /// Whether there must be no row at all.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub empty: bool,
    /// How many rows there were, as PostgreSQL estimates them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// Its bytes (main fork).
    pub bytes: u64,
}

impl Assumption {
    /// A table may become this many times as big.
    const FACTOR: u64 = 10;
    /// Below this, nothing takes long: 64 MB.
    const SMALL: u64 = 64 << 20;

    /// What the table may be called, the likelier name first: its old name may be another table's after the plan has
    /// begun, and its new one before.
    pub fn names(&self, begun: bool) -> impl Iterator<Item = &str> {
        let (old, new) = (self.renamed_from.as_deref(), Some(self.table.as_str()));
        let (first, second) = if begun { (new, old) } else { (old, new) };
        first.into_iter().chain(second)
    }

    /// Why it does not hold for the table, called so now, of this size, and with rows or none.
    pub fn broken_by(&self, table: &str, size: Size, has_rows: bool) -> Option<String> {
        let Self { bytes, .. } = self;
        if self.empty {
            let rows = match size.rows {
                Some(rows @ 2..) => format!("about {} rows", number(rows)),
                _ => "rows".to_owned(),
            };
            return has_rows.then(|| format!("made for an empty table; {table} has {rows} here"));
        }
        let most = bytes.saturating_mul(Self::FACTOR).max(Self::SMALL);
        let was = Size { rows: self.rows, bytes: *bytes };
        (size.bytes > most).then(|| format!("made for {} in {table}; it has {} here", said(was), said(size)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made_for(empty: bool, bytes: u64) -> Assumption {
        Assumption {
            phase: Phase::Expand,
            step: 1,
            table: "public.ev".to_owned(),
            renamed_from: None,
            empty,
            rows: (!empty).then_some(1_000),
            bytes,
        }
    }

    fn size(rows: u64, bytes: u64) -> Size {
        Size { rows: Some(rows), bytes }
    }

    #[test]
    fn a_plan_for_an_empty_table_is_none_for_one_with_rows() {
        let empty = made_for(true, 0);
        assert_eq!(empty.broken_by("public.ev", size(0, 8192), false), None);
        assert_eq!(
            empty.broken_by("public.ev", size(2_000_000, 180 << 20), true).unwrap(),
            "made for an empty table; public.ev has about 2,000,000 rows here"
        );
        let unknown = Size { rows: None, bytes: 8192 };
        assert_eq!(
            empty.broken_by("public.ev", unknown, true).unwrap(),
            "made for an empty table; public.ev has rows here"
        );
    }

    #[test]
    fn a_table_may_grow_but_not_beyond_what_was_accepted() {
        let small = made_for(false, 1 << 20);
        assert_eq!(small.broken_by("public.ev", size(60_000, 64 << 20), true), None);
        assert_eq!(
            small.broken_by("public.ev", size(70_000, 65 << 20), true).unwrap(),
            "made for about 1,000 rows (1024 kB) in public.ev; it has about 70,000 rows (65 MB) here"
        );
        assert_eq!(made_for(false, 10 << 30).broken_by("public.ev", size(1, 100 << 30), true), None);
    }
}
