//! A catalog as desired SQL: in one stream that psql loads into an empty database, or as a folder with one file for
//! each object, and the difference of two catalogs in the same form.
//!
//! Either form, loaded and read back, is the catalog again: planning finds nothing to do. The stream is in an order in
//! which each statement finds what it needs. In the folder each file is in order, and the files need each other in
//! ways that only trueup untangles, which loads them in any order. The same catalog gives the same bytes.
//!
//! Roles and owners are not in it, and materialized views are empty. What trueup does not model is named in the
//! stream's head.

pub mod compare;
pub mod folder;
mod home;
mod path;

use std::collections::{BTreeMap, BTreeSet};

pub use home::Home;
pub use path::Paths;

use crate::{
    catalog::{Catalog, Fingerprint, Strength, scope::Scope},
    diff::DiffError,
    lower::{self, Context},
    name::{Kind, ObjectId},
    sql::{self, Sql},
    visible::visible_line,
};

/// What psql must know before it reads the statements: their names are complete, and functions come before what their
/// bodies mention.
const SETTINGS: &str = "\
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SET check_function_bodies = off;
SET client_min_messages = warning;
SET search_path = '';
";

/// How the last line of a stream begins; the digest of all that stands before it follows.
const END: &str = "-- end of trueup dump ";

/// A catalog as statements.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dump {
    /// The statements in order, with the object that they make and the file in which they stand.
    parts: Vec<Part>,
    /// The server's major version.
    major: u16,
    /// Objects of classes that trueup does not model.
    pub unmanaged: Vec<String>,
    /// The roles that must be there before it is loaded.
    pub roles: BTreeSet<String>,
    /// What is referred to and not in it: `table app.a, which view public.b needs`.
    pub missing: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Part {
    home: Home,
    sql: Vec<Sql>,
}

impl Dump {
    /// The part of a catalog that a scope covers, as statements.
    pub fn of(catalog: &Catalog, scope: &Scope, major: u16) -> Result<Self, DiffError> {
        let managed = catalog.within(scope);
        let context = Context { major, alone: true, rowless: true, ..Context::default() };
        let public = ObjectId::new(Kind::Schema, ["public"]);
        let mut parts = Vec::new();
        for (id, sql) in lower::creation_by_object(&managed, &context)? {
            if id == public {
                // every database has it
                continue;
            }
            if !sql.is_empty() {
                parts.push(Part { home: Home::of(&managed, &id), sql });
            }
        }
        Ok(Self {
            parts,
            major,
            unmanaged: catalog.unmanaged.keys().cloned().collect(),
            roles: managed.roles(),
            missing: missing(catalog, &managed),
        })
    }

    /// All of it, for psql and for trueup.
    pub fn stream(&self) -> String {
        let mut text =
            format!("-- The schema of a PostgreSQL {} database, written by trueup dump.\n", self.major);
        if !self.roles.is_empty() {
            let roles: Vec<String> = self.roles.iter().map(|role| sql::ident(role)).collect();
            text.push_str(&format!("-- It needs these roles: {}\n", visible_line(&roles.join(", "))));
        }
        if !self.missing.is_empty() {
            text.push_str("-- It needs these objects, which are left out of it:\n");
            text.extend(self.missing.iter().map(|what| format!("--   {}\n", visible_line(what))));
        }
        if !self.unmanaged.is_empty() {
            text.push_str("-- These objects are not in it, since trueup does not manage what they are:\n");
            text.extend(self.unmanaged.iter().map(|what| format!("--   {}\n", visible_line(what))));
        }
        text.push('\n');
        text.push_str(SETTINGS);
        for part in &self.parts {
            text.push('\n');
            text.extend(part.sql.iter().map(terminated));
        }
        text.push('\n');
        let digest = digest(&text);
        format!("{text}{END}{digest}\n")
    }

    /// One file for each object, by its path in the folder.
    pub fn files(&self) -> BTreeMap<String, String> {
        self.files_by(&Paths::new(self.parts.iter().map(|part| &part.home)))
    }

    fn files_by(&self, paths: &Paths) -> BTreeMap<String, String> {
        let mut files: BTreeMap<String, String> = BTreeMap::new();
        for part in &self.parts {
            let text = files.entry(paths.of(&part.home).to_owned()).or_default();
            if !text.is_empty() {
                text.push('\n');
            }
            text.extend(part.sql.iter().map(terminated));
        }
        files
    }
}

/// Whether a text is a stream as it was written, which nobody has changed since.
pub fn is_untouched(text: &str) -> bool {
    let text = text.replace("\r\n", "\n");
    let Some((body, end)) = text.rfind(END).map(|at| text.split_at(at)) else { return false };
    end.strip_prefix(END).is_some_and(|end| end.trim_end() == digest(body))
}

fn digest(text: &str) -> String {
    Fingerprint::of(text).as_str().to_owned()
}

/// A statement with its semicolon.
fn terminated(sql: &Sql) -> String {
    let text = sql.as_str().trim_end();
    if text.ends_with(';') { format!("{text}\n") } else { format!("{text};\n") }
}

/// What the managed part needs and does not have, each with one of those that need it.
fn missing(all: &Catalog, managed: &Catalog) -> Vec<String> {
    let whole = |id: &ObjectId| Home::of(all, id).object().unwrap_or_else(|| id.clone());
    let mut found: BTreeMap<ObjectId, ObjectId> = BTreeMap::new();
    for need in all.needs.iter().filter(|need| need.strength == Strength::Hard) {
        let outside = all.objects.contains_key(&need.to) && !managed.objects.contains_key(&need.to);
        if outside && managed.objects.contains_key(&need.from) {
            found.entry(whole(&need.to)).or_insert_with(|| whole(&need.from));
        }
    }
    found.into_iter().map(|(what, by)| format!("{what}, which {by} needs")).collect()
}
