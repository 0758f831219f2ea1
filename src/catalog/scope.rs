//! What of a catalog is managed: which schemas, and what is left out of them.

use std::collections::BTreeSet;

use super::Catalog;
use crate::name::{Kind, ObjectId};

/// Which schemas a plan manages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Manage {
    /// Those that the desired SQL declares or puts objects in, and these, which are managed already.
    Declared(BTreeSet<String>),
    /// Those of these names.
    Only(BTreeSet<String>),
    /// All of them.
    All,
}

/// What is managed, decided for one pair of catalogs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// The managed schemas.
    pub schemas: BTreeSet<String>,
    /// The kinds of what is in no schema that are managed: extensions, event triggers.
    pub database: BTreeSet<Kind>,
    /// Patterns of objects to leave alone: `public.pgbench_*`.
    pub ignore: Vec<String>,
    /// What is said of the schema `public` and left alone: every database has it, and SQL that is silent about its
    /// privileges and its comment asks for nothing.
    pub unsaid: BTreeSet<ObjectId>,
}

impl Scope {
    /// The scope for these two catalogs. `desired` is what the user's SQL became on an empty database.
    pub fn decide(manage: &Manage, live: &Catalog, desired: &Catalog, ignore: &[String]) -> Self {
        let schemas = match manage {
            Manage::All => [live, desired].iter().flat_map(|catalog| used_schemas(catalog)).collect(),
            Manage::Only(names) => names.clone(),
            Manage::Declared(managed) => used_schemas(desired).union(managed).cloned().collect(),
        };
        // of what is in no schema, the kinds that the user's SQL has any of
        let declared = match manage {
            Manage::All => vec![live, desired],
            Manage::Only(_) | Manage::Declared(_) => vec![desired],
        };
        let ids = declared.iter().flat_map(|catalog| catalog.objects.keys());
        let database = ids.filter(|id| id.schema().is_none()).map(kind_of_subject).collect();
        let public = ObjectId::new(Kind::Schema, ["public"]);
        let about = [Kind::Comment, Kind::Privileges].map(|kind| ObjectId::about(kind, &public));
        let said = |id: &ObjectId| desired.objects.contains_key(id) || *manage == Manage::All;
        let unsaid = about.into_iter().filter(|id| !said(id)).collect();
        Self { schemas, database, ignore: ignore.to_vec(), unsaid }
    }

    /// One that covers nothing, to ask what these patterns leave out.
    pub fn ignoring(patterns: &[String]) -> Self {
        let (schemas, database, unsaid) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        Self { schemas, database, ignore: patterns.to_vec(), unsaid }
    }

    /// Whether the object is managed.
    pub fn covers(&self, id: &ObjectId) -> bool {
        let inside = match id.schema() {
            Some(schema) => self.schemas.contains(schema),
            None => self.database.contains(&kind_of_subject(id)),
        };
        inside && !self.ignores(id) && !self.unsaid.contains(id)
    }

    /// Whether the object is left out by a pattern.
    pub fn ignores(&self, id: &ObjectId) -> bool {
        let subject = id.target().unwrap_or_else(|| id.clone());
        let parts = subject.path.parts();
        self.ignore.iter().any(|pattern| {
            // a pattern for a table covers its parts
            let wanted = pattern.split('.').count();
            parts.len() >= wanted && glob(pattern, &parts[..wanted].join("."))
        })
    }
}

/// The kind of an object, or of that which a comment is about.
fn kind_of_subject(id: &ObjectId) -> Kind {
    id.target().map_or(id.kind, |target| target.kind)
}

/// The schemas that have an object; `public` is everywhere and counts only when it is used.
fn used_schemas(catalog: &Catalog) -> BTreeSet<String> {
    let declared = |id: &&ObjectId| id.kind != Kind::Schema || id.path.last() != "public";
    let about_public = |id: &&ObjectId| id.target().is_none_or(|target| target.kind != Kind::Schema);
    catalog
        .objects
        .keys()
        .filter(declared)
        .filter(about_public)
        .filter_map(|id| id.schema().map(str::to_owned))
        .collect()
}

/// Whether a text fits a pattern in which `*` stands for anything and `?` for one character. Only the last star seen is tried
/// again, with one character more: an earlier one could give no more than it does. So the time is quadratic at most.
fn glob(pattern: &str, text: &str) -> bool {
    let (mut patterns, mut texts) = (pattern.chars(), text.chars());
    // behind the last star, and behind what it stands for so far
    let mut star = None;
    loop {
        let rest = texts.clone();
        match (patterns.next(), texts.next()) {
            (None, None) => return true,
            (Some('*'), _) => {
                texts = rest.clone();
                star = Some((patterns.clone(), rest));
            }
            (Some(wanted), Some(c)) if wanted == '?' || wanted == c => {}
            _ => {
                let Some((after, mut behind)) = star else { return false };
                if behind.next().is_none() {
                    return false;
                }
                (patterns, texts) = (after.clone(), behind.clone());
                star = Some((after, behind));
            }
        }
    }
}

impl Catalog {
    /// The managed part of it.
    #[must_use]
    pub fn within(&self, scope: &Scope) -> Self {
        self.filtered(|id| scope.covers(id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All texts of up to so many of these characters.
    fn texts(characters: &str, most: usize) -> Vec<String> {
        let (mut all, mut last) = (vec![String::new()], vec![String::new()]);
        for _ in 0..most {
            let longer = last.iter().flat_map(|text| characters.chars().map(move |c| format!("{text}{c}")));
            last = longer.collect();
            all.extend(last.iter().cloned());
        }
        all
    }

    /// What a pattern means, tried in all ways.
    fn fits(pattern: &[char], text: &[char]) -> bool {
        match (pattern, text) {
            ([], text) => text.is_empty(),
            (['*', rest @ ..], text) => (0..=text.len()).any(|at| fits(rest, &text[at..])),
            ([wanted, rest @ ..], [c, others @ ..]) => (*wanted == '?' || wanted == c) && fits(rest, others),
            (_, []) => false,
        }
    }

    #[test]
    fn a_pattern_fits_what_it_means() {
        let texts_of = texts("aä*", 4);
        for pattern in texts("aä*?", 4) {
            for text in &texts_of {
                let [patterns, chars]: [Vec<char>; 2] = [pattern.chars().collect(), text.chars().collect()];
                assert_eq!(glob(&pattern, text), fits(&patterns, &chars), "{pattern} {text}");
            }
        }
        // at once, whatever it has
        assert!(!glob(&format!("{}b", "*a".repeat(100)), &"a".repeat(63)));
        assert!(glob(&format!("{}b", "*a*".repeat(20)), &format!("{}b", "a".repeat(63))));
    }

    #[test]
    fn patterns_cover_an_object_and_its_parts() {
        let scope = Scope {
            schemas: BTreeSet::from(["public".to_owned()]),
            database: BTreeSet::new(),
            ignore: vec!["public.pgbench_*".to_owned()],
            unsaid: BTreeSet::new(),
        };
        assert!(scope.ignores(&ObjectId::new(Kind::Table, ["public", "pgbench_accounts"])));
        assert!(scope.ignores(&ObjectId::new(Kind::Column, ["public", "pgbench_accounts", "aid"])));
        assert!(!scope.ignores(&ObjectId::new(Kind::Table, ["public", "orders"])));
        assert!(!scope.covers(&ObjectId::new(Kind::Table, ["other", "orders"])));
    }
}
