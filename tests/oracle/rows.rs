//! What tables, materialized views and sequences hold, to see whether it is still there afterwards.

use std::collections::BTreeMap;

use serde_json::Value;
use trueup::sql;

use super::Database;

/// A column of a table: what identifies it, and what its values are.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Column {
    name: String,
    /// With what a domain is made of, so that only what must print alike is compared.
    type_name: String,
    number: i16,
}

#[derive(Debug, Clone)]
struct Table {
    name: String,
    columns: Vec<Column>,
    rows: Vec<BTreeMap<String, Value>>,
}

/// The contents of a database.
#[derive(Debug, Clone)]
pub struct Contents {
    /// By oid, which outlives renames.
    tables: BTreeMap<u32, Table>,
    /// Whether each materialized view has been filled, by name.
    filled: BTreeMap<String, bool>,
    /// Where each sequence stands, by name.
    /// Type, last value and increment of each.
    sequences: BTreeMap<String, (String, Option<i64>, i64)>,
}

impl Contents {
    pub async fn of(database: &Database) -> Self {
        let session = database.shared().await;
        let client = session.client();
        let of_tables = "\
            SELECT c.oid, n.nspname, c.relname, a.attname, concat_ws(' over ', format_type(a.atttypid, a.atttypmod), format_type(nullif(t.typbasetype, 0), t.typtypmod)), a.attnum \
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
            LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' \
            LEFT JOIN pg_type t ON t.oid = a.atttypid \
            WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'trueup') ORDER BY c.oid, a.attnum";
        let mut tables: BTreeMap<u32, Table> = BTreeMap::new();
        for row in client.query(of_tables, &[]).await.unwrap() {
            let name = sql::qualified(&[row.get::<_, String>(1), row.get(2)]);
            let table = tables.entry(row.get(0)).or_insert_with(|| Table {
                name,
                columns: Vec::new(),
                rows: Vec::new(),
            });
            if let Some(name) = row.get::<_, Option<String>>(3) {
                table.columns.push(Column { name, type_name: row.get(4), number: row.get(5) });
            }
        }
        for table in tables.values_mut() {
            let query = format!("SELECT to_jsonb(t) FROM ONLY {} t", table.name);
            for row in client.query(&query, &[]).await.unwrap() {
                table.rows.push(serde_json::from_value(row.get(0)).unwrap());
            }
        }
        let of_views = "SELECT schemaname || '.' || matviewname, ispopulated FROM pg_matviews";
        let filled =
            client.query(of_views, &[]).await.unwrap().iter().map(|row| (row.get(0), row.get(1))).collect();
        let of_sequences = "SELECT schemaname || '.' || sequencename, data_type::text, last_value, increment_by FROM pg_sequences \
                            WHERE schemaname <> 'trueup'";
        let rows = client.query(of_sequences, &[]).await.unwrap();
        let sequences = rows.iter().map(|row| (row.get(0), (row.get(1), row.get(2), row.get(3)))).collect();
        Self { tables, filled, sequences }
    }

    /// Fails if anything that is still there holds something else than before; `lost` says of which tables it was
    /// announced.
    pub fn must_survive(&self, after: &Self, lost: &dyn Fn(&str) -> bool) -> Result<(), String> {
        for (oid, table) in &self.tables {
            let kept = after.tables.get(oid);
            let Some(found) = kept.or_else(|| after.tables.values().find(|found| found.name == table.name))
            else {
                continue;
            };
            if lost(&table.name) {
                continue;
            }
            let same = |a: &Column, b: &Column| {
                a.type_name == b.type_name
                    && if kept.is_some() { a.number == b.number } else { a.name == b.name }
            };
            let pairs: Vec<(&Column, &Column)> = table
                .columns
                .iter()
                .filter_map(|a| Some((a, found.columns.iter().find(|b| same(a, b))?)))
                .collect();
            let before = sorted(&table.rows, pairs.iter().map(|(a, _)| a.name.as_str()).collect());
            let now = sorted(&found.rows, pairs.iter().map(|(_, b)| b.name.as_str()).collect());
            if before != now {
                return Err(format!(
                    "the rows of {} did not survive:\nbefore {before:#?}\nafter {now:#?}",
                    table.name
                ));
            }
        }
        for (view, filled) in &self.filled {
            if *filled && after.filled.get(view) == Some(&false) {
                return Err(format!("the materialized view {view} is empty now"));
            }
        }
        for (sequence, (type_name, last, increment)) in &self.sequences {
            match after.sequences.get(sequence) {
                Some((now, found, _)) if now == type_name && goes_back(*last, *found, *increment) => {
                    return Err(format!("the sequence {sequence} stood at {last:?} and stands at {found:?}"));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// Whether a sequence would give out again what it gave out. It may be taken further: past what its column holds.
fn goes_back(last: Option<i64>, found: Option<i64>, increment: i64) -> bool {
    match (last, found) {
        (None, _) => false,
        (Some(_), None) => true,
        (Some(last), Some(found)) => {
            if increment > 0 {
                found < last
            } else {
                found > last
            }
        }
    }
}

fn sorted(rows: &[BTreeMap<String, Value>], columns: Vec<&str>) -> Vec<String> {
    let line = |row: &BTreeMap<String, Value>| {
        let values: Vec<String> = columns.iter().map(|column| row[*column].to_string()).collect();
        values.join(" | ")
    };
    let mut lines: Vec<String> = rows.iter().map(line).collect();
    lines.sort_unstable();
    lines
}
