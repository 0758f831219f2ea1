//! Extensions whose version the desired SQL names: `CREATE EXTENSION … VERSION`. Others keep the version that they
//! have, and are created with the one that the server installs. And extensions that move to another schema: that is one
//! statement, after which all that uses their types and functions uses them where they are.

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
    let asked: Vec<ObjectId> =
        versions.keys().map(|name| ObjectId::new(Kind::Extension, [name.as_str()])).collect();
    for catalog in [catalogs.before, catalogs.after] {
        keep_versions(catalog, asked.iter());
    }
}

/// Has a catalog name the versions of these extensions when it is built.
pub(super) fn keep_versions<'i>(catalog: &mut Catalog, extensions: impl Iterator<Item = &'i ObjectId>) {
    for id in extensions {
        if let Some(Object::Extension(extension)) = catalog.objects.get_mut(id) {
            extension.version.asked = true;
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

/// The steps that move extensions to the schemas that they are wanted in, before anything is compared. `renamed` are the
/// steps by which other things get their names: a schema that is renamed takes its extensions along.
pub(super) fn moves(base: &Catalog, wanted: &Catalog, renamed: &[Step]) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for (id, object) in wanted.objects.iter().filter(|(id, _)| id.kind == Kind::Extension) {
        let (Object::Extension(wanted), Some(Object::Extension(there))) = (object, base.objects.get(id))
        else {
            continue;
        };
        let schema = ObjectId::new(Kind::Schema, [wanted.schema.as_str()]);
        let comes_along = renamed.iter().any(|step| step.object == schema);
        if wanted.schema == there.schema || comes_along || !(wanted.relocatable && there.relocatable) {
            continue;
        }
        if !base.objects.contains_key(&schema) && steps.iter().all(|step| step.object != schema) {
            let (create, drop) =
                (format!("CREATE SCHEMA {}", schema.sql()), format!("DROP SCHEMA {}", schema.sql()));
            steps.push(at_once(Verb::Create, &schema, format!("create {schema}"), create, drop));
        }
        let to = |schema: &str| format!("ALTER EXTENSION {} SET SCHEMA {}", id.sql(), sql::ident(schema));
        let summary = format!("move {id} from schema {} to {}", sql::ident(&there.schema), schema.sql());
        steps.push(at_once(Verb::Rename, id, summary, to(&wanted.schema), to(&there.schema)));
    }
    steps
}

fn at_once(verb: Verb, object: &ObjectId, summary: String, run: String, undo: String) -> Step {
    let [run, undo] = [run, undo].map(|sql| Action::catalog(vec![Sql::new(sql)]));
    Step { phase: Phase::Expand, verb, object: object.clone(), summary, run, undo, batch: 1, with: None }
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
