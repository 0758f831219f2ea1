//! What stood in for the database, where a plan was made from SQL: `trueup plan --from`.
//!
//! Nobody looked at the database then. So the plan takes every table to have rows, and none of unknown size to be small, and it
//! is stale wherever the database is not what that SQL makes, whole: also in what the plan leaves alone.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::staleness::{Difference, How};
use crate::{
    catalog::{Catalog, Fingerprint, scope::Scope},
    name::{Kind, ObjectId},
};

/// SQL in the place of a database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StandIn {
    /// Which: `main (3f2a1bc)`, `schema/`.
    pub sql: String,
    /// What it makes of each managed schema.
    pub schemas: BTreeMap<String, Fingerprint>,
    /// What was left out of that.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignore: Vec<String>,
}

impl StandIn {
    /// Of what SQL makes, within a scope.
    pub(crate) fn of(sql: &str, catalog: &Catalog, scope: &Scope, owners: bool) -> Self {
        let ignore = scope.ignore.clone();
        Self { sql: sql.to_owned(), schemas: of_schemas(catalog, &scope.schemas, &ignore, owners), ignore }
    }

    /// The schemas that are not what the SQL makes.
    pub(super) fn differences(&self, live: &Catalog, owners: bool) -> Vec<Difference> {
        let names = self.schemas.keys().cloned().collect();
        let actual = of_schemas(live, &names, &self.ignore, owners);
        let each = self.schemas.iter().zip(actual.into_values());
        let differs = each.filter(|((_, expected), actual)| *expected != actual);
        differs
            .map(|((schema, expected), actual)| Difference {
                object: ObjectId::new(Kind::Schema, [schema.as_str()]),
                how: How::Otherwise,
                expected: Some(expected.clone()),
                actual: Some(actual),
                diff: String::new(),
            })
            .collect()
    }
}

/// One fingerprint over all that is in a schema, for each. What is said of the schema itself is not in it: every database has
/// `public`, and its privileges are other ones from version to version.
fn of_schemas(
    catalog: &Catalog,
    schemas: &BTreeSet<String>,
    ignore: &[String],
    owners: bool,
) -> BTreeMap<String, Fingerprint> {
    let ignored = Scope::ignoring(ignore);
    let mut texts: BTreeMap<String, String> =
        schemas.iter().map(|name| (name.clone(), String::new())).collect();
    for (id, object) in &catalog.objects {
        let is_schema = |id: &ObjectId| id.kind == Kind::Schema;
        let of_the_schema = is_schema(id) || id.target().is_some_and(|target| is_schema(&target));
        let counts = !of_the_schema && !ignored.ignores(id) && (owners || id.kind != Kind::Owner);
        if let Some(text) = id.schema().filter(|_| counts).and_then(|schema| texts.get_mut(schema)) {
            text.push_str(object.fingerprint(id).as_str());
        }
    }
    texts.into_iter().map(|(name, text)| (name, Fingerprint::of(text))).collect()
}
