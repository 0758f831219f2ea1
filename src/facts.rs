//! Facts: what was seen of live that decides how much a change matters. Observed once, then plain data.

use std::collections::BTreeMap;

use tokio_postgres::types::{ToSql, Type};

use crate::{postgres::Session, source::live::ReadError};

/// What is known of live beside its catalog.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// Tables and materialized views as SQL names them.
    pub relations: BTreeMap<String, Size>,
}

/// How big a relation is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Size {
    /// Rows as the planner estimates them (`reltuples`); None where it was never analysed.
    pub rows: Option<u64>,
    /// Bytes of its main fork (`pg_relation_size`).
    pub bytes: u64,
}

const SIZES: &str = "
SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname),
       CASE WHEN c.relkind = 'p'
            THEN (SELECT sum(greatest(l.reltuples, 0))::float8 FROM pg_partition_tree(c.oid) t JOIN pg_class l ON l.oid = t.relid WHERE t.isleaf)
            ELSE c.reltuples::float8 END,
       CASE WHEN c.relkind = 'p'
            THEN (SELECT coalesce(sum(pg_relation_size(t.relid)), 0)::int8 FROM pg_partition_tree(c.oid) t WHERE t.isleaf)
            ELSE pg_relation_size(c.oid) END
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'm') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'";

/// Looks at live. Reads no table.
pub async fn observe(session: &Session) -> Result<Facts, ReadError> {
    sizes(session, SIZES, None).await
}

/// Looks at these relations only.
pub async fn observe_these(session: &Session, names: &[&str]) -> Result<Facts, ReadError> {
    let these =
        format!("{SIZES} AND c.oid IN (SELECT to_regclass(name) FROM unnest($1::text[]) AS named (name))");
    sizes(session, &these, Some(names)).await
}

async fn sizes(session: &Session, query: &str, names: Option<&[&str]>) -> Result<Facts, ReadError> {
    let names: Vec<(&(dyn ToSql + Sync), Type)> =
        names.iter().map(|names| (names as &(dyn ToSql + Sync), Type::TEXT_ARRAY)).collect();
    let rows = session
        .client()
        .query_typed(query, &names)
        .await
        .map_err(|source| ReadError::Query { what: "sizes".to_owned(), source })?;
    let mut facts = Facts::default();
    for row in rows {
        let (name, tuples, bytes): (String, Option<f64>, i64) = (row.get(0), row.get(1), row.get(2));
        // whole numbers below 2^53: the estimate is a float of whole rows
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let rows = tuples.filter(|tuples| *tuples >= 0.0).map(|tuples| tuples as u64);
        facts.relations.insert(name, Size { rows, bytes: u64::try_from(bytes).unwrap_or(0) });
    }
    Ok(facts)
}

impl Facts {
    /// The rows of the biggest of these relations, if any is known.
    pub fn most_rows<'a>(&self, relations: impl Iterator<Item = &'a String>) -> Option<u64> {
        relations.filter_map(|name| self.relations.get(name).and_then(|size| size.rows)).max()
    }
}

/// Bytes for people.
pub fn in_units(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    let (mut value, mut unit) = (bytes / 1024, 0);
    while value >= 10_240 && unit + 1 < UNITS.len() {
        (value, unit) = (value / 1024, unit + 1);
    }
    format!("{value} {}", UNITS[unit])
}

/// `about 2,000,000 rows (180 MB)`.
pub fn said(size: Size) -> String {
    match size.rows {
        Some(1) => format!("about 1 row ({})", in_units(size.bytes)),
        Some(rows) => format!("about {} rows ({})", number(rows), in_units(size.bytes)),
        None => in_units(size.bytes),
    }
}

/// `1,234,567`.
pub fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut all = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            all.push(',');
        }
        all.push(digit);
    }
    all
}

#[cfg(test)]
mod tests {
    #[test]
    fn bytes_are_said_in_units() {
        let said = [0, 2048, 20 << 20, 30 << 30, u64::MAX].map(super::in_units);
        assert_eq!(said, ["0 kB", "2 kB", "20 MB", "30 GB", "16777215 TB"]);
    }
}
