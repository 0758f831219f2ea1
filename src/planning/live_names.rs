//! What tables that a plan renames are called on live, where their rows are: found by their numbers on the clone, which are
//! the same before and after.

use std::collections::{BTreeMap, BTreeSet};

use super::{PlanningError, workshop::Workshop};
use crate::{
    catalog::Catalog,
    facts::Facts,
    name::{Kind, ObjectId},
    postgres::{ScratchDatabase, Session},
    step::Step,
};

/// The names on live of tables whose names on the clone are others.
#[derive(Debug, Default)]
pub(super) struct LiveNames {
    /// By the name as it is after the renames, as SQL has it.
    renamed: BTreeMap<String, String>,
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
        let after = tables(clone.session()).await?;
        let renamed = after.into_iter().filter_map(|(number, name)| {
            let old = before.get(&number).filter(|old| **old != name)?;
            Some((name, old.clone()))
        });
        Ok(Self { renamed: renamed.collect() })
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

    /// Those whose old names are nobody's in this catalog: who asks by them never asks another table.
    pub fn free_in(&self, wanted: &Catalog) -> BTreeMap<String, String> {
        let relation = |id: &&ObjectId| id.kind == Kind::Table || id.kind.is_view();
        let taken: BTreeSet<String> = wanted.objects.keys().filter(relation).map(ObjectId::sql).collect();
        let renamed = self.renamed.iter().filter(|(_, old)| !taken.contains(*old));
        renamed.map(|(name, old)| (name.clone(), old.clone())).collect()
    }

    /// Sizes on live under the names that steps have.
    pub fn rename(&self, facts: &mut Facts) {
        let size = |(name, old): (&String, &String)| Some((name.clone(), *facts.relations.get(old)?));
        let sizes: Vec<_> = self.renamed.iter().filter_map(size).collect();
        facts.relations.extend(sizes);
    }
}

async fn tables(session: &Session) -> Result<BTreeMap<u32, String>, PlanningError> {
    let query = "SELECT c.oid, quote_ident(n.nspname) || '.' || quote_ident(c.relname)
                 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                 WHERE c.relkind IN ('r', 'p', 'm', 'f') AND c.oid >= 16384";
    let rows = session.client().query_typed(query, &[]).await;
    let rows = rows.map_err(|source| PlanningError::Query { what: "names of tables", source })?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}
