//! Extensions whose version the desired SQL names: `CREATE EXTENSION … VERSION`. Others keep the version that they
//! have, and are created with the one that the server installs.

use std::collections::BTreeMap;

use super::PlanningError;
use crate::{
    catalog::Catalog,
    kind::Object,
    name::{Kind, ObjectId, Pair},
    postgres::Session,
    sql::{self, Sql},
    step::{Action, Phase, Step, Verb},
};

/// Has both catalogs name the versions that were asked for when they are built.
pub(super) fn ask(catalogs: Pair<&mut Catalog>, versions: &BTreeMap<String, String>) {
    for catalog in [catalogs.before, catalogs.after] {
        for name in versions.keys() {
            let id = ObjectId::new(Kind::Extension, [name.as_str()]);
            if let Some(Object::Extension(extension)) = catalog.objects.get_mut(&id) {
                extension.version.asked = true;
            }
        }
    }
}

/// An update that is asked for.
pub(super) struct Update {
    object: ObjectId,
    from: String,
    to: String,
}

/// The updates that are needed.
pub(super) fn updates(live: &Catalog, wanted: &Catalog, versions: &BTreeMap<String, String>) -> Vec<Update> {
    let needed = |(name, version): (&String, &String)| {
        let object = ObjectId::new(Kind::Extension, [name.as_str()]);
        let Some(Object::Extension(extension)) = live.objects.get(&object) else { return None };
        let from = extension.version.installed.clone();
        let there = wanted.objects.contains_key(&object) && from != *version;
        there.then(|| Update { object, from, to: version.clone() })
    };
    versions.iter().filter_map(needed).collect()
}

/// Refuses updates that no script of the extension makes.
pub(super) async fn refuse_pathless(scratch: &Session, updates: &[Update]) -> Result<(), PlanningError> {
    let mut pathless = Vec::new();
    for Update { object, from, to } in updates {
        let query = format!(
            "SELECT FROM pg_catalog.pg_extension_update_paths({}) WHERE source = {} AND target = {} AND path IS NOT NULL",
            sql::literal(object.path.last()),
            sql::literal(from),
            sql::literal(to)
        );
        let found = scratch.client().query_typed(&query, &[]).await;
        let found =
            found.map_err(|source| PlanningError::Query { what: "an extension's versions", source })?;
        if found.is_empty() {
            pathless.push(format!("{object} from {from} to {to}"));
        }
    }
    if pathless.is_empty() { Ok(()) } else { Err(PlanningError::NoUpdatePath(pathless)) }
}

impl Update {
    /// The step. PostgreSQL has no way back from an update, so that the undo leaves it.
    pub fn step(self) -> Step {
        let Self { object, from, to } = self;
        let update = format!("ALTER EXTENSION {} UPDATE TO {}", object.sql(), sql::literal(&to));
        Step {
            phase: Phase::Expand,
            verb: Verb::Alter,
            summary: format!("update {object} from {from} to {to}"),
            run: Action::bulk(vec![Sql::new(update)]),
            undo: Action::nothing(),
            batch: 1,
            with: None,
            object,
        }
    }
}
