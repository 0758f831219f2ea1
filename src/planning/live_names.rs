//! What tables and columns that a plan renames are called on live, where their rows are: found by their numbers on the clone,
//! which are the same before and after.

use std::collections::BTreeMap;

use super::{PlanningError, workshop::Workshop};
use crate::{
    facts::Facts,
    lower::LiveName,
    name::{ObjectId, Pair},
    postgres::{ScratchDatabase, Session},
    step::Step,
};

/// The names on live of tables whose names on the clone are others.
#[derive(Debug, Default)]
pub(super) struct LiveNames {
    /// By the name as it is after the renames, as SQL has it.
    renamed: BTreeMap<String, String>,
    /// In the same way, of tables that are renamed or have columns that are.
    otherwise: BTreeMap<String, LiveName>,
}

impl LiveNames {
    /// Renames on the clone, and finds out what was called otherwise.
    pub async fn across(
        renames: &[Step],
        clone: &ScratchDatabase,
        workshop: &Workshop<'_>,
    ) -> Result<Self, PlanningError> {
        if renames.is_empty() {
            return Ok(Self::default());
        }
        let before = tables(clone.session()).await?;
        workshop.run(clone, renames).await?;
        let mut names = Self::default();
        for (number, Relation { name, columns }) in tables(clone.session()).await? {
            let Some(old) = before.get(&number) else { continue };
            if old.name != name {
                names.renamed.insert(name.clone(), old.name.clone());
            }
            let pairs = old.columns.iter().zip(&columns);
            let pairs = pairs.map(|(old, new)| Pair::new(old.clone(), new.clone()));
            let columns = if old.columns == columns { Vec::new() } else { pairs.collect() };
            if old.name != name || !columns.is_empty() {
                names.otherwise.insert(name, LiveName { table: old.name.clone(), columns });
            }
        }
        Ok(names)
    }

    /// What a table is called on live; none where that name is another's there, or nobody's.
    pub fn of(&self, table: &ObjectId) -> Option<String> {
        let name = table.sql();
        match self.renamed.get(&name) {
            Some(old) => Some(old.clone()),
            None if self.renamed.values().any(|old| *old == name) => None,
            None => Some(name),
        }
    }

    /// What it was called, if it has another name by now.
    pub fn before(&self, table: &str) -> Option<&String> {
        self.renamed.get(table)
    }

    /// All that is called otherwise.
    pub fn otherwise(&self) -> BTreeMap<String, LiveName> {
        self.otherwise.clone()
    }

    /// Sizes on live under the names that steps have.
    pub fn rename(&self, facts: &mut Facts) {
        let size = |(name, old): (&String, &String)| Some((name.clone(), *facts.relations.get(old)?));
        let sizes: Vec<_> = self.renamed.iter().filter_map(size).collect();
        facts.relations.extend(sizes);
    }
}

/// A table with its columns, as SQL has their names.
struct Relation {
    name: String,
    columns: Vec<String>,
}

async fn tables(session: &Session) -> Result<BTreeMap<u32, Relation>, PlanningError> {
    let query = "SELECT c.oid, quote_ident(n.nspname) || '.' || quote_ident(c.relname),
                        ARRAY(SELECT quote_ident(a.attname) FROM pg_attribute a
                              WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum)
                 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                 WHERE c.relkind IN ('r', 'p', 'm', 'f') AND c.oid >= 16384";
    let rows = session.client().query_typed(query, &[]).await;
    let rows = rows.map_err(|source| PlanningError::Query { what: "names of tables", source })?;
    Ok(rows.iter().map(|row| (row.get(0), Relation { name: row.get(1), columns: row.get(2) })).collect())
}
