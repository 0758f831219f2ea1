//! Two catalogs side by side: which objects differ, and how their files of a dump do.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use similar::TextDiff;

use super::{Dump, Home, Paths};
use crate::{
    catalog::{Catalog, scope::Scope},
    diff::DiffError,
    kind::Object,
    name::{ObjectId, Pair},
};

/// What differs, file by file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Comparison {
    /// The objects that differ, with what each is a part of.
    pub groups: Vec<Group>,
    /// The files of a dump that differ.
    pub files: Vec<FileDifference>,
}

/// An object with its parts, some of which differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// What the parts are parts of.
    pub home: Home,
    /// What became of it as a whole; None: it is the same, and parts of it differ.
    pub how: Option<How>,
    /// What differs.
    pub objects: Vec<Difference>,
}

/// One object that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Which object.
    pub object: ObjectId,
    /// How it differs.
    pub change: How,
    /// Which of its attributes differ, each as JSON; empty unless it is there on both sides.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<Attribute>,
}

/// How an object differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum How {
    /// It is only on the second side.
    Created,
    /// It is only on the first.
    Dropped,
    /// It is on both, and not the same.
    Changed,
}

/// An attribute that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Attribute {
    /// Its name.
    pub name: String,
    /// What it is on the first side.
    pub before: serde_json::Value,
    /// What it is on the second.
    pub after: serde_json::Value,
}

/// A file of a dump that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileDifference {
    /// Its path in the dump's folder.
    pub path: String,
    /// From one to the other as a unified diff, without the lines that name the files.
    pub diff: String,
    /// Whether it is on the first side, and on the second.
    #[serde(skip)]
    pub there: Pair<bool>,
}

impl Comparison {
    /// Compares what a scope covers.
    pub fn of(catalogs: Pair<&Catalog>, scope: &Scope, major: u16) -> Result<Self, DiffError> {
        let after = in_order_of(catalogs.before, catalogs.after.clone());
        let catalogs = Pair::new(catalogs.before, &after);
        let managed = |catalog: &Catalog| catalog.within(scope);
        let managed = Pair::new(managed(catalogs.before), managed(catalogs.after));
        let mut groups: BTreeMap<Home, Vec<Difference>> = BTreeMap::new();
        let mut homes = BTreeSet::new();
        let ids: BTreeSet<&ObjectId> =
            managed.before.objects.keys().chain(managed.after.objects.keys()).collect();
        for id in ids {
            let object = Pair::new(managed.before.objects.get(id), managed.after.objects.get(id));
            let (change, attributes) = match (object.before, object.after) {
                (Some(old), Some(new)) if old != new => (How::Changed, attributes(Pair::new(old, new))),
                (None, Some(_)) => (How::Created, Vec::new()),
                (Some(_), None) => (How::Dropped, Vec::new()),
                _ => continue,
            };
            let there = |catalog: &Catalog, there: bool| there.then(|| Home::of(catalog, id));
            let old = there(&managed.before, object.before.is_some());
            let new = there(&managed.after, object.after.is_some());
            homes.extend([&old, &new].into_iter().flatten().cloned());
            if let Some(home) = new.or(old) {
                groups.entry(home).or_default().push(Difference { object: id.clone(), change, attributes });
            }
        }
        let files = files(catalogs, scope, major, &homes)?;
        let groups = groups.into_iter().map(|(home, objects)| {
            let own = home.object();
            let how = objects.iter().find(|one| Some(&one.object) == own.as_ref()).map(|one| one.change);
            Group { home, how, objects }
        });
        Ok(Self { groups: groups.collect(), files })
    }

    /// Whether there is no difference.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }
}

/// The dumps' files in which these are written.
fn files(
    catalogs: Pair<&Catalog>,
    scope: &Scope,
    major: u16,
    homes: &BTreeSet<Home>,
) -> Result<Vec<FileDifference>, DiffError> {
    if homes.is_empty() {
        return Ok(Vec::new());
    }
    let dumps = Pair::new(Dump::of(catalogs.before, scope, major)?, Dump::of(catalogs.after, scope, major)?);
    let all = dumps.before.parts.iter().chain(&dumps.after.parts).map(|part| &part.home);
    let paths = Paths::new(all.chain(homes));
    let texts = Pair::new(dumps.before.files_by(&paths), dumps.after.files_by(&paths));
    let named: BTreeSet<&str> = homes.iter().map(|home| paths.of(home)).collect();
    let text = |files: &BTreeMap<String, String>, path: &str| files.get(path).cloned();
    let files = named.into_iter().filter_map(|path| {
        let (old, new) = (text(&texts.before, path), text(&texts.after, path));
        let there = Pair::new(old.is_some(), new.is_some());
        let (old, new) = (old.unwrap_or_default(), new.unwrap_or_default());
        let diff =
            TextDiff::from_lines(old.as_str(), new.as_str()).unified_diff().context_radius(3).to_string();
        (old != new).then(|| FileDifference { path: path.to_owned(), diff, there })
    });
    Ok(files.collect())
}

/// The second catalog with the columns of its tables in the order in which the first one has them: the order of
/// columns is no difference.
fn in_order_of(first: &Catalog, mut second: Catalog) -> Catalog {
    let known = |id: &ObjectId| match first.objects.get(id) {
        Some(Object::Column(column)) => Some(column.lineage.position),
        _ => None,
    };
    for (id, object) in &mut second.objects {
        if let Object::Column(column) = object {
            let new = column.lineage.position.saturating_add(i32::from(i16::MAX));
            column.lineage.position = known(id).unwrap_or(new);
        }
    }
    second
}

/// The attributes in which two objects differ.
fn attributes(objects: Pair<&Object>) -> Vec<Attribute> {
    let fields = |object: &Object| match serde_json::from_str(&object.to_json()) {
        Ok(serde_json::Value::Object(fields)) => fields,
        _ => serde_json::Map::new(),
    };
    let (before, after) = (fields(objects.before), fields(objects.after));
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let value = |side: &serde_json::Map<String, serde_json::Value>, name: &str| {
        side.get(name).cloned().unwrap_or_default()
    };
    names
        .into_iter()
        .map(|name| Attribute {
            name: name.clone(),
            before: value(&before, name),
            after: value(&after, name),
        })
        .filter(|attribute| attribute.before != attribute.after)
        .collect()
}
