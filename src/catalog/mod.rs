//! A catalog: one complete reading of the objects of one database, their attributes and their dependencies.

mod options;
mod pairing;
mod rank;
mod roles;
pub mod scope;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    str::FromStr,
};

pub use pairing::{Body, ByTable, indexed};
pub use rank::{Rank, rank};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    kind::{IndexAttachment, Object},
    name::{Kind, ObjectId},
};

/// One complete reading of a database.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Catalog {
    /// Every object, in the order of a dump.
    pub objects: BTreeMap<ObjectId, Object>,
    /// What needs what.
    pub needs: BTreeSet<Dependency>,
    /// Objects of classes that trueup does not model, as `pg_describe_object` names them, with a fingerprint of
    /// their catalog rows.
    pub unmanaged: BTreeMap<String, String>,
}

/// `from` needs `to`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Dependency {
    /// Who needs.
    pub from: ObjectId,
    /// What is needed.
    pub to: ObjectId,
    /// How much.
    pub strength: Strength,
}

/// How much an object needs another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strength {
    /// PostgreSQL knows of it and refuses to break it.
    Hard,
    /// An expression that PostgreSQL keeps uses the row type of the table. Always beside a hard one. Since the releases of
    /// November 2026 the table's columns get no other type, and no new one a value in rows that are there, while there is
    /// such an expression ("cannot alter table … because … uses its row type").
    RowType,
    /// Whatever columns the table has when the object is made: each of them becomes a hard one.
    EveryColumn,
    /// Read out of a function's body: orders where it can, and yields where it would close a cycle.
    Soft,
}

/// The SHA-256 of an object's id and attributes, in hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// The fingerprint of some bytes.
    pub fn of(bytes: impl AsRef<[u8]>) -> Self {
        let mut text = String::with_capacity(64);
        for byte in Sha256::digest(bytes.as_ref()) {
            text.push(char::from_digit(u32::from(byte >> 4), 16).unwrap_or('0'));
            text.push(char::from_digit(u32::from(byte & 15), 16).unwrap_or('0'));
        }
        Self(text)
    }

    /// The hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A text that is no fingerprint.
#[derive(Debug, thiserror::Error)]
#[error("a fingerprint has 64 hexadecimal digits")]
pub struct NotAFingerprint;

impl FromStr for Fingerprint {
    type Err = NotAFingerprint;

    fn from_str(text: &str) -> Result<Self, NotAFingerprint> {
        let digits = text.len() == 64 && text.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'));
        if digits { Ok(Self(text.to_owned())) } else { Err(NotAFingerprint) }
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Catalog {
    /// The part of it that these objects are.
    #[must_use]
    pub fn only(&self, ids: &BTreeSet<ObjectId>) -> Self {
        let known = ids.iter().filter_map(|id| self.objects.get_key_value(id));
        let objects: BTreeMap<_, _> = known.map(|(id, object)| (id.clone(), object.clone())).collect();
        let inside = |need: &&Dependency| objects.contains_key(&need.to);
        let needs = objects.keys().flat_map(|id| self.needs_of(id)).filter(inside).cloned().collect();
        Self { objects, needs, unmanaged: self.unmanaged.clone() }
    }

    /// Leaves out who owns what.
    pub fn forget_owners(&mut self) {
        self.objects.retain(|id, _| id.kind != Kind::Owner);
        self.needs.retain(|need| need.from.kind != Kind::Owner);
    }

    /// What an object needs.
    pub fn needs_of<'a>(&'a self, id: &'a ObjectId) -> impl Iterator<Item = &'a Dependency> {
        let least = ObjectId { kind: Kind::Schema, path: Vec::new().into() };
        let first = Dependency { from: id.clone(), to: least, strength: Strength::Hard };
        self.needs.range(first..).take_while(move |need| need.from == *id)
    }

    /// The objects of one kind that are part of a relation: its columns, its constraints.
    pub fn parts<'a>(
        &'a self,
        kind: Kind,
        relation: &'a ObjectId,
    ) -> impl Iterator<Item = (&'a ObjectId, &'a Object)> {
        let first = ObjectId { kind, path: relation.path.clone() };
        let inside = move |id: &ObjectId| id.kind == kind && id.relation().as_ref() == Some(relation);
        self.objects.range(first..).take_while(move |(id, _)| inside(id))
    }

    /// The objects of one kind.
    pub fn of_kind(&self, kind: Kind) -> impl Iterator<Item = (&ObjectId, &Object)> {
        let first = ObjectId { kind, path: Vec::new().into() };
        self.objects.range(first..).take_while(move |(id, _)| id.kind == kind)
    }

    /// The index or key by which a table's rows are told apart when they are replicated.
    pub fn replica_identity(&self, table: &ObjectId) -> Option<ObjectId> {
        let key = self.parts(Kind::Constraint, table).find_map(|(id, object)| match object {
            Object::Constraint(key) if key.replica_identity => Some(id.clone()),
            _ => None,
        });
        key.or_else(|| {
            self.of_kind(Kind::Index).find_map(|(id, object)| match object {
                Object::Index(index) if index.replica_identity && index.relation() == *table => {
                    Some(id.clone())
                }
                _ => None,
            })
        })
    }

    /// Whether this is a table that has partitions instead of rows.
    pub fn is_partitioned(&self, table: &ObjectId) -> bool {
        matches!(self.objects.get(table), Some(Object::Table(table)) if table.partition_by.is_some())
    }

    /// For each table its child tables and partitions.
    pub fn children(&self) -> BTreeMap<&[String], Vec<ObjectId>> {
        let mut children: BTreeMap<&[String], Vec<ObjectId>> = BTreeMap::new();
        for (id, object) in self.of_kind(Kind::Table) {
            if let Object::Table(child) = object {
                for parent in &child.inherits {
                    children.entry(parent).or_default().push(id.clone());
                }
            }
        }
        for (id, object) in self.of_kind(Kind::Attachment) {
            if let Object::Attachment(attachment) = object {
                let partition = ObjectId { kind: Kind::Table, path: id.path.clone() };
                children.entry(&attachment.parent).or_default().push(partition);
            }
        }
        children
    }

    /// The partitioned table that a partition belongs to, and its parent, and so on.
    pub fn parents_of<'c>(&'c self, partition: &[String]) -> impl Iterator<Item = &'c [String]> {
        let parent =
            |table: &[String]| match self.objects.get(&ObjectId::new(Kind::Attachment, table.to_vec())) {
                Some(Object::Attachment(attachment)) => Some(&*attachment.parent),
                _ => None,
            };
        std::iter::successors(parent(partition), move |table| parent(table))
    }

    /// The attachment of a partition's index or key to the parent's.
    pub fn attachment_of(&self, part: &ObjectId) -> Option<&IndexAttachment> {
        if !matches!(part.kind, Kind::Index | Kind::Constraint) {
            return None;
        }
        let id = ObjectId::new(Kind::IndexAttachment, [part.path.part(0), part.path.last()]);
        match self.objects.get(&id)? {
            Object::IndexAttachment(own) if own.child(&id) == *part => Some(own),
            _ => None,
        }
    }

    /// The index or key of the topmost partitioned table that a partition's is attached to.
    pub fn topmost_parent(&self, part: &ObjectId) -> Option<ObjectId> {
        let above = |part: &ObjectId| self.attachment_of(part).map(IndexAttachment::parent_id);
        std::iter::successors(above(part), above).last()
    }

    /// The domain that a column is of, and those under it.
    pub fn domains_of<'c>(&'c self, column: &'c ObjectId) -> impl Iterator<Item = &'c ObjectId> {
        std::iter::successors(self.domain_under(column), |domain| self.domain_under(domain))
    }

    fn domain_under<'c>(&'c self, id: &'c ObjectId) -> Option<&'c ObjectId> {
        self.needs_of(id).map(|need| &need.to).find(|to| to.kind == Kind::Domain)
    }

    /// The default partition of a partitioned table.
    pub fn default_partition(&self, parent: &[String]) -> Option<ObjectId> {
        let mut attachments = self.of_kind(Kind::Attachment).filter_map(|(id, object)| match object {
            Object::Attachment(attachment) => Some((id, attachment)),
            _ => None,
        });
        let (id, _) = attachments.find(|(_, it)| it.parent == parent && it.bound == "DEFAULT")?;
        Some(ObjectId { kind: Kind::Table, path: id.path.clone() })
    }

    /// The part of it whose names satisfy a condition, with the dependencies within it.
    #[must_use]
    pub fn filtered(&self, keep: impl Fn(&ObjectId) -> bool) -> Self {
        let objects: BTreeMap<ObjectId, Object> = self
            .objects
            .iter()
            .filter(|(id, _)| keep(id))
            .map(|(id, object)| (id.clone(), object.clone()))
            .collect();
        let inside = |need: &&Dependency| objects.contains_key(&need.from) && objects.contains_key(&need.to);
        let needs = self.needs.iter().filter(inside).cloned().collect();
        Self { objects, needs, unmanaged: self.unmanaged.clone() }
    }

    /// Every object but for the texts that PostgreSQL deparses, which it may print in more than one way.
    #[must_use]
    pub fn without_texts(&self) -> Self {
        let objects = self.objects.iter().map(|(id, object)| (id.clone(), object.without_texts()));
        Self { objects: objects.collect(), needs: BTreeSet::new(), unmanaged: self.unmanaged.clone() }
    }

    /// The objects that belong to another role than the one that read them, with that role.
    pub fn owners(&self) -> BTreeMap<ObjectId, String> {
        let owners = self.of_kind(Kind::Owner).filter_map(|(id, object)| match object {
            Object::Owner(owner) => Some((id.target()?, owner.role.clone())),
            _ => None,
        });
        owners.collect()
    }

    /// Partitions, by their attachments, and those indexes of the partitioned table, or keys, of which they have no part.
    pub fn left_out(&self) -> Vec<(&ObjectId, ObjectId)> {
        let mut partitions: BTreeMap<&[String], Vec<&ObjectId>> = BTreeMap::new();
        let mut attached: BTreeSet<(ObjectId, &[String])> = BTreeSet::new();
        let mut indexes: Vec<(&ObjectId, Vec<String>)> = Vec::new();
        for (id, object) in &self.objects {
            match object {
                Object::Attachment(attachment) => partitions.entry(&attachment.parent).or_default().push(id),
                Object::IndexAttachment(index) => {
                    attached.insert((index.parent_id(), &index.table));
                }
                Object::Index(index) if index.partitioned => indexes.push((id, index.table.clone())),
                Object::Constraint(key) if key.has_index() && key.lineage.partition => {
                    indexes.push((id, id.path.parts()[..2].to_vec()));
                }
                _ => {}
            }
        }
        let mut left_out = Vec::new();
        for (index, table) in indexes {
            for partition in partitions.get(table.as_slice()).into_iter().flatten().copied() {
                if !attached.contains(&(index.clone(), partition.path.parts())) {
                    left_out.push((partition, index.clone()));
                }
            }
        }
        left_out
    }

    /// The fingerprint of one object, if it is there.
    pub fn fingerprint(&self, id: &ObjectId) -> Option<Fingerprint> {
        self.objects.get(id).map(|object| object.fingerprint(id))
    }
}
