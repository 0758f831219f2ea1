//! Reads the catalog of a database: every kind's query in one snapshot, pipelined on one connection, or on two where
//! there is much to read.
//!
//! PostgreSQL's deparsers look at the latest catalog even within a snapshot. So everything is read again when somebody
//! changed something in between.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    beside,
    rows::{self, Address, Extent, Row, Rows},
};
use crate::{
    catalog::{Catalog, Dependency, Strength},
    kind::{Object, options},
    name::{Kind, ObjectId, Path},
    postgres::{Session, server_words},
    source::body,
};

/// Why a database could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The server refused a query.
    #[error("cannot read the catalog ({what}): {}", server_words(source))]
    Query {
        /// Which query.
        what: String,
        /// What the server said.
        source: tokio_postgres::Error,
    },
    /// A row that does not fit the kind: a bug of trueup, or a server that it does not know.
    #[error("cannot understand the {kind} {path:?}: {source}")]
    Row {
        /// Which kind.
        kind: &'static str,
        /// Its name.
        path: Vec<String>,
        /// What does not fit.
        source: serde_json::Error,
    },
    /// The schema kept changing while it was read.
    #[error("the schema keeps changing while it is read; try again when no other migration is running")]
    Unsteady,
}

/// Reads everything but system schemas, members of extensions and trueup's own schema.
pub async fn read(session: &Session) -> Result<Catalog, ReadError> {
    assemble(&mut rows(session).await?, session.ignored_options())
}

/// Reads what trueup manages, without looking for what it does not: for a database of which that is known, or to be
/// compared with one.
pub async fn read_managed(session: &Session) -> Result<Catalog, ReadError> {
    assemble(&mut steadily(session, Extent::Managed).await?, session.ignored_options())
}

/// The same of a scratch database, which nobody else changes meanwhile.
pub async fn read_scratch(session: &Session) -> Result<Catalog, ReadError> {
    assemble(&mut steadily(session, Extent::Scratch).await?, session.ignored_options())
}

/// The values that options of foreign data have in a database, secrets among them. They are for comparing, and are
/// never printed or written anywhere.
#[derive(Default)]
pub struct OptionValues(BTreeMap<ObjectId, Object>);

impl OptionValues {
    /// Reads those of some kinds.
    pub async fn read(session: &Session, kinds: &BTreeSet<Kind>) -> Result<Self, ReadError> {
        let mut values = BTreeMap::new();
        for kind in kinds {
            values.extend(rows::with_secrets(session, *kind).await?);
        }
        Ok(Self(values))
    }

    /// The value of one option.
    pub fn get(&self, id: &ObjectId, option: &str) -> Option<&str> {
        self.0.get(id)?.foreign_option(option)
    }
}

/// Reads everything as rows, to be kept.
pub async fn rows(session: &Session) -> Result<Rows, ReadError> {
    steadily(session, Extent::Everything).await
}

async fn steadily(session: &Session, extent: Extent) -> Result<Rows, ReadError> {
    for _ in 0..3 {
        match read_once(session, extent).await {
            Ok(Some(rows)) => return Ok(rows),
            Ok(None) => {}
            // what was dropped under the reading makes a deparser fail
            Err(ReadError::Query { source, .. })
                if source.code().is_some_and(|code| vanished(code.code())) => {}
            Err(error) => return Err(error),
        }
    }
    Err(ReadError::Unsteady)
}

/// The catalog that rows are of, the same one each time: without options of these names, nor those that only the server
/// sets.
pub fn assemble(rows: &mut Rows, ignored_options: &BTreeSet<String>) -> Result<Catalog, ReadError> {
    rows.parse()?;
    let mut reading = Reading::new(ignored_options);
    for (kind, rows) in &mut rows.kinds {
        for row in rows {
            reading.add(*kind, row);
        }
    }
    reading.aliases.extend(rows.aliases.iter().copied());
    reading.add_about();
    for (from, to) in &rows.dependencies {
        reading.depend(*from, *to);
    }
    reading.catalog.unmanaged.extend(rows.unmanaged.iter().cloned());
    Ok(reading.finish())
}

fn vanished(code: &str) -> bool {
    matches!(code, "XX000" | "42P01" | "42704" | "42883" | "3F000" | "42703")
}

async fn read_once(session: &Session, extent: Extent) -> Result<Option<Rows>, ReadError> {
    let failed = |what: &str| {
        let what = what.to_owned();
        move |source| ReadError::Query { what, source }
    };
    let client = session.client();
    let beginning = beside::begin(session).await.map_err(failed("begin"))?;
    let read = async {
        let (watch, rows) = rows::fetch(session, &beginning, extent).await?;
        Ok((watch.end(session).await?, rows))
    };
    match read.await {
        Ok((steady, rows)) => Ok(steady.then_some(rows)),
        Err(error) => {
            client.batch_execute("ROLLBACK").await.map_err(failed("end"))?;
            Err(error)
        }
    }
}

/// The class of types in `pg_depend` (`TypeRelationId`).
const TYPES: u32 = 1247;

/// Whether PostgreSQL keeps expressions of it in parsed form, apart from a table's own.
fn keeps_expressions(object: &Object) -> bool {
    match object {
        Object::Function(function) => function.source.is_empty() || function.defaults > 0,
        Object::View(_)
        | Object::MaterializedView(_)
        | Object::Default(_)
        | Object::DomainDefault(_)
        | Object::Rule(_) => true,
        _ => false,
    }
}

/// A catalog while it is put together.
struct Reading<'a> {
    ignored_options: &'a BTreeSet<String>,
    catalog: Catalog,
    ids: BTreeMap<Address, ObjectId>,
    aliases: BTreeMap<Address, Address>,
    about: Vec<About>,
}

/// A comment or privileges, whose name is found when all else is read.
struct About {
    address: Address,
    path: Path,
    object: Object,
    json: String,
}

impl<'a> Reading<'a> {
    fn new(ignored_options: &'a BTreeSet<String>) -> Self {
        let (ids, aliases) = (BTreeMap::new(), BTreeMap::new());
        Self { ignored_options, catalog: Catalog::default(), ids, aliases, about: Vec::new() }
    }

    fn add(&mut self, kind: Kind, row: &mut Row) {
        let Some(mut object) = row.object.take() else { return };
        object.visit_options(&mut |of, list| options::keep_settable(of, list, self.ignored_options));
        if matches!(kind, Kind::Comment | Kind::Privileges | Kind::Owner) {
            self.about.push(About {
                address: row.address,
                path: row.path.clone().into(),
                object,
                json: row.json.clone(),
            });
            return;
        }
        let id = ObjectId::new(kind, row.path.clone());
        self.ids.insert(row.address, id.clone());
        self.insert(id, object);
    }

    fn insert(&mut self, id: ObjectId, object: Object) {
        let says_nothing = match &object {
            // an ACL that says what there would be without one
            Object::Privileges(privileges) => privileges.grants == privileges.default,
            Object::ToastOptions(toast) => toast.options.is_empty(),
            _ => false,
        };
        if !says_nothing {
            self.catalog.objects.insert(id, object);
        }
    }

    /// Gives comments and privileges their names, now that every target has one.
    fn add_about(&mut self) {
        for About { address, path, object, json } in std::mem::take(&mut self.about) {
            let kind = object.kind();
            // the exact target, else what it is a part of; a path that came along names what is no object of its own
            let target = match self.ids.get(&address) {
                Some(id) => id.clone(),
                None if path.parts().is_empty() => continue,
                None => {
                    let Some(target) = (ObjectId { kind, path: path.clone() }).target() else {
                        let name = format!("{} {}", kind.label(), path.parts().join(" "));
                        self.catalog.unmanaged.insert(name, json);
                        continue;
                    };
                    target
                }
            };
            let id = ObjectId::about(kind, &target);
            let owner = self
                .resolve((address.0, address.1, 0))
                .filter(|_| !self.catalog.objects.contains_key(&target));
            for needed in [Some(target), owner].into_iter().flatten() {
                self.need(id.clone(), needed, Strength::Hard);
            }
            self.insert(id, object);
        }
    }

    fn resolve(&self, address: Address) -> Option<ObjectId> {
        let mut address = address;
        // an array of a domain over a row type: aliases may lead to aliases
        for _ in 0..8 {
            if let Some(id) = self.ids.get(&address) {
                return Some(id.clone());
            }
            address = *self.aliases.get(&address)?;
        }
        None
    }

    /// The object at an address, or the one that it is a part of.
    fn resolve_whole(&self, (class, object, sub): Address) -> Option<ObjectId> {
        self.resolve((class, object, sub)).or_else(|| self.resolve((class, object, 0)))
    }

    fn depend(&mut self, from: Address, to: Address) {
        let is_type = to.0 == TYPES;
        if let (Some(from), Some(to)) = (self.resolve_whole(from), self.resolve_whole(to)) {
            let row_type = is_type && to.kind == Kind::Table;
            // a partition is a table like others; its attachment needs the partitioned table
            let partition = from.kind == Kind::Table && to.kind == Kind::Table && {
                let attachment = ObjectId { kind: Kind::Attachment, path: from.path.clone() };
                self.catalog.objects.contains_key(&attachment)
            };
            if !partition {
                if row_type && self.catalog.objects.get(&from).is_some_and(keeps_expressions) {
                    self.need(from.clone(), to.clone(), Strength::RowType);
                }
                self.need(from, to, Strength::Hard);
            }
        }
    }

    fn need(&mut self, from: ObjectId, to: ObjectId, strength: Strength) {
        if from != to {
            self.catalog.needs.insert(Dependency { from, to, strength });
        }
    }

    fn finish(mut self) -> Catalog {
        let mut more = Vec::new();
        for (id, object) in &self.catalog.objects {
            more.extend(object.needs(id).into_iter().map(|to| (id.clone(), to)));
            if let Some(schema) = id.schema().filter(|_| id.kind != Kind::Schema) {
                more.push((id.clone(), ObjectId::new(Kind::Schema, [schema])));
            }
        }
        for (from, to) in more {
            if self.catalog.objects.contains_key(&to) {
                self.need(from, to, Strength::Hard);
            }
        }
        self.read_bodies();
        self.read_rows();
        self.read_conflicts();
        self.read_casts();
        self.catalog
    }

    /// An expression that casts needs the cast, of which PostgreSQL records no more than the function behind it. Where
    /// there is none, who uses the cast may be anybody who uses one of the types.
    fn read_casts(&mut self) {
        let mut casts: BTreeMap<&ObjectId, Vec<(&ObjectId, Strength)>> = BTreeMap::new();
        for cast in self.catalog.objects.keys().filter(|id| id.kind == Kind::Cast) {
            let needed: Vec<&ObjectId> = self.catalog.needs_of(cast).map(|need| &need.to).collect();
            let function = needed.iter().find(|id| id.kind == Kind::Function);
            let strength = if function.is_some() { Strength::Hard } else { Strength::Soft };
            for by in function.map_or(&*needed, std::slice::from_ref) {
                casts.entry(by).or_default().push((cast, strength));
            }
        }
        let mut found = Vec::new();
        for need in &self.catalog.needs {
            let Some(casts) = casts.get(&need.to) else { continue };
            if self.catalog.objects.get(&need.from).is_some_and(Object::has_texts) {
                found.extend(
                    casts.iter().map(|(cast, strength)| (need.from.clone(), (*cast).clone(), *strength)),
                );
            }
        }
        for (from, cast, strength) in found {
            self.need(from, cast, strength);
        }
    }

    /// The row that INSERT … ON CONFLICT DO UPDATE calls `excluded` has every column of its table, used or not.
    fn read_conflicts(&mut self) {
        let mut found = Vec::new();
        for (id, object) in &self.catalog.objects {
            let text = match object {
                Object::Rule(rule) => &rule.definition,
                Object::Function(function) if function.source.is_empty() => &function.definition,
                _ => continue,
            };
            if text.contains(" ON CONFLICT") && text.contains(" DO UPDATE SET ") {
                let columns = self.catalog.needs_of(id).filter(|need| need.to.kind == Kind::Column);
                found.extend(columns.filter_map(|need| Some((id.clone(), need.to.relation()?))));
            }
        }
        for (id, table) in found {
            self.need(id, table, Strength::EveryColumn);
        }
    }

    /// What calls a function over the rows of a table names all of its columns when it is deparsed: it reads as
    /// another when one comes or goes.
    fn read_rows(&mut self) {
        let hard = |need: &&Dependency| need.strength == Strength::Hard;
        let mut tables: BTreeMap<&ObjectId, Vec<&ObjectId>> = BTreeMap::new();
        for need in self.catalog.needs.iter().filter(hard) {
            if need.from.kind == Kind::Function && need.to.kind == Kind::Table {
                tables.entry(&need.from).or_default().push(&need.to);
            }
        }
        let mut found = Vec::new();
        for need in self.catalog.needs.iter().filter(hard).filter(|need| need.from.kind != Kind::Function) {
            for table in tables.get(&need.to).into_iter().flatten() {
                let columns = self.catalog.parts(Kind::Column, table);
                found.extend(columns.map(|(column, _)| (need.from.clone(), column.clone())));
            }
        }
        self.soften(found);
    }

    /// Adds dependencies that yield, where there is no stronger one.
    fn soften(&mut self, found: Vec<(ObjectId, ObjectId)>) {
        for (from, to) in found {
            let hard = Dependency { from: from.clone(), to: to.clone(), strength: Strength::Hard };
            if !self.catalog.needs.contains(&hard) {
                self.need(from, to, Strength::Soft);
            }
        }
    }

    /// Soft dependencies out of the bodies of functions: names that are also the names of objects.
    fn read_bodies(&mut self) {
        let mut names: BTreeMap<&str, Vec<&ObjectId>> = BTreeMap::new();
        for id in self.catalog.objects.keys() {
            let name = match id.kind {
                Kind::Table
                | Kind::View
                | Kind::MaterializedView
                | Kind::Sequence
                | Kind::Enum
                | Kind::Domain
                | Kind::Composite
                | Kind::Range => id.path.last(),
                Kind::Function | Kind::Aggregate => id.path.part(1),
                _ => continue,
            };
            names.entry(name).or_default().push(id);
        }
        let mut found = Vec::new();
        for (id, object) in &self.catalog.objects {
            let Object::Function(function) = object else { continue };
            if !matches!(function.language.as_str(), "sql" | "plpgsql") || function.source.is_empty() {
                continue;
            }
            for name in body::names_in(&function.source) {
                let Some(last) = name.last() else { continue };
                for target in names.get(last.as_str()).into_iter().flatten() {
                    let fits = name.len() < 2 || target.path.part(0) == name[name.len() - 2];
                    if fits && *target != id {
                        found.push((id.clone(), (*target).clone()));
                    }
                }
            }
        }
        self.soften(found);
    }
}
