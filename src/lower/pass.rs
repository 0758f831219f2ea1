//! Passes: one statement that runs again and again, each time for the next rows of a table, and fills columns of it.

use std::collections::BTreeSet;

use super::backfill::{Fill, Meanwhile};
use crate::{
    name::ObjectId,
    sql::{self, Sql},
    step::{Action, Backfill},
};

/// About how many rows a block has, where blocks are visited.
const A_BLOCK: u32 = 50;

/// One pass over the own rows of a table, which fills some of its columns batch by batch.
#[derive(Debug, Clone)]
pub(super) struct Pass {
    table: String,
    /// The table that the values are said of: the whole of a partition, the parent of an inheritor.
    said_of: String,
    /// The columns by which each row is known, with their types.
    key: Vec<(String, String)>,
    /// How many rows the first batch visits.
    batch: u32,
    columns: Vec<Filled>,
}

/// What a pass writes into a column.
#[derive(Debug, Clone)]
struct Filled {
    /// Its name, and as SQL has it.
    own: String,
    name: String,
    value: String,
    /// Which rows need it.
    needs: String,
    how: How,
    /// The columns that the value is computed from.
    reads: BTreeSet<String>,
}

/// How a column is written in a pass that fills others, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    /// Only in rows that need it.
    WhereNeeded,
    /// In all rows: the value is right for each.
    Always,
    /// By its trigger, which sees what the pass makes of the row.
    ByTrigger,
}

impl Pass {
    pub fn new(column: &ObjectId, said_of: &str, fill: &Fill, key: Vec<(String, String)>) -> Self {
        let (name, value) = (column.sql(), fill.value.clone());
        let asked = fill.rows.clone().unwrap_or_else(|| format!("{name} IS NULL"));
        let needs = match fill.meanwhile {
            // it counts, perhaps: once for each row
            Meanwhile::OwnDefault => asked,
            // a row that would get NULL is not written for nothing
            _ => format!("({asked}) AND ({value}) IS NOT NULL"),
        };
        let how = if fill.meanwhile == Meanwhile::Mirrored { How::Always } else { How::WhereNeeded };
        Self {
            table: column.relation_sql(),
            said_of: said_of.to_owned(),
            key,
            batch: fill.batch,
            columns: vec![Filled {
                own: column.path.last().to_owned(),
                name,
                value,
                needs,
                how,
                reads: fill.reads.clone(),
            }],
        }
    }

    /// The same for columns that their triggers fill whenever a row is written.
    pub fn by_trigger(mut self) -> Self {
        self.columns.iter_mut().for_each(|column| column.how = How::ByTrigger);
        self
    }

    /// Whether one pass can do both.
    pub fn fits(&self, other: &Self) -> bool {
        let mine = |column: &Filled| self.columns.iter().any(|own| own.name == column.name);
        // what is computed from a column that the same statement fills would see what was in it; a trigger sees the new
        let reads = |one: &Self, other: &Self| {
            let plain = one.columns.iter().filter(|column| column.how == How::WhereNeeded);
            let mut reads = plain.flat_map(|column| &column.reads);
            reads.any(|name| other.columns.iter().any(|column| column.own == *name))
        };
        self.table == other.table
            && self.said_of == other.said_of
            && self.key == other.key
            && !other.columns.iter().any(mine)
            && !reads(self, other)
            && !reads(other, self)
    }

    /// Fills what the other one fills, too.
    pub fn add(&mut self, other: Self) {
        self.batch = self.batch.min(other.batch);
        self.columns.extend(other.columns);
    }

    pub fn action(&self) -> Action {
        let backfill = Backfill {
            table: self.table.clone(),
            columns: self.columns.iter().map(|column| column.own.clone()).collect(),
            key: self.key.iter().map(|(name, _)| name.clone()).collect(),
            rows: if self.key.is_empty() { (self.batch / A_BLOCK).max(1) } else { self.batch },
            skip_triggers: false,
        };
        Action::fill(self.statement(), backfill)
    }

    /// Fills the next rows. Those to visit are found first, and the update takes the same range of the key, in its order:
    /// the last one visited says where to go on, whatever becomes of it while it is waited for. A join with them would be
    /// planned by statistics that know nothing of a new column.
    fn statement(&self) -> Sql {
        let Self { table, said_of, key, columns, .. } = self;
        let alias = sql::ident(said_of);
        let set = |Filled { name, value, needs, how, .. }: &Filled| match how {
            How::ByTrigger if columns.len() > 1 => format!("{name} = {alias}.{name}"),
            How::WhereNeeded if columns.len() > 1 => {
                format!("{name} = CASE WHEN {needs} THEN {value} ELSE {alias}.{name} END")
            }
            _ => format!("{name} = {value}"),
        };
        let sets: Vec<String> = columns.iter().map(set).collect();
        let update = format!("UPDATE ONLY {table} AS {alias} SET {}", sets.join(", "));
        let needs = match &columns[..] {
            [one] => one.needs.clone(),
            all => {
                let any: Vec<String> = all.iter().map(|one| format!("({})", one.needs)).collect();
                format!("({})", any.join(" OR "))
            }
        };
        if key.is_empty() {
            let first = "COALESCE(($1::pg_catalog.text[])[1]::pg_catalog.int8, 0)";
            let next =
                format!("LEAST({first} + $3::pg_catalog.int8, ($2::pg_catalog.text[])[1]::pg_catalog.int8)");
            // values of the statement and not of a row, so that these blocks are all that is read
            let bound = |block: &str| format!("pg_catalog.format('(%s,0)', {block})::pg_catalog.tid");
            return Sql::new(format!(
                "WITH changed AS (\n    \
                   {update}\n    \
                   WHERE {alias}.ctid >= {from} AND {alias}.ctid < {to} AND {needs}\n    \
                   RETURNING 1\n\
                 )\n\
                 SELECT {next} - {first}, (SELECT count(*) FROM changed), \
                 CASE WHEN {next} > {first} THEN ARRAY[({next})::pg_catalog.text] END",
                from = bound(first),
                to = bound(&next),
            ));
        }
        let names: Vec<&str> = key.iter().map(|(name, _)| name.as_str()).collect();
        let of_key = names.join(", ");
        let given = |parameter: &str| -> String {
            let each = key.iter().enumerate();
            let each = each.map(|(at, (_, data_type))| {
                format!("({parameter}::pg_catalog.text[])[{}]::{data_type}", at + 1)
            });
            each.collect::<Vec<_>>().join(", ")
        };
        let aliases: Vec<String> = (1..=names.len()).map(|at| format!("trueup_{at}")).collect();
        let aliased = aliases.join(", ");
        let down: Vec<String> = aliases.iter().map(|alias| format!("{alias} DESC")).collect();
        let texts: Vec<String> = aliases.iter().map(|alias| format!("{alias}::pg_catalog.text")).collect();
        let after_last =
            |columns: &str| format!("($1::pg_catalog.text[] IS NULL OR ({columns}) > ({}))", given("$1"));
        let of_table: Vec<String> = names.iter().map(|name| format!("{alias}.{name}")).collect();
        let of_table = of_table.join(", ");
        Sql::new(format!(
            "WITH visited ({aliased}) AS MATERIALIZED (\n    \
               SELECT {of_key} FROM ONLY {table}\n    \
               WHERE {after_last} AND ({of_key}) <= ({until})\n    \
               ORDER BY {of_key} LIMIT $3::pg_catalog.int8\n\
             ), changed AS (\n    \
               {update}\n    \
               WHERE {of_table_after_last}\n    \
               AND ({of_table}) <= (SELECT {aliased} FROM visited ORDER BY {down} LIMIT 1)\n    \
               AND {needs}\n    \
               RETURNING 1\n\
             )\n\
             SELECT (SELECT count(*) FROM visited), (SELECT count(*) FROM changed), \
             (SELECT ARRAY[{texts}] FROM visited ORDER BY {down} LIMIT 1)",
            after_last = after_last(&of_key),
            of_table_after_last = after_last(&of_table),
            until = given("$2"),
            texts = texts.join(", "),
            down = down.join(", "),
        ))
    }
}
