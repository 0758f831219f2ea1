//! Which object another one is written with: a table's constraints, indexes and comments stand in the table's file.

use crate::{
    catalog::Catalog,
    kind::Object,
    name::{Kind, ObjectId},
};

/// What a file is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Home {
    /// The default privileges that hold in every schema.
    DefaultPrivileges,
    /// A schema with what is said of it: its comment, its privileges, the default privileges in it.
    Schema(String),
    /// An object with its parts.
    Object(ObjectId),
}

impl Home {
    /// What is written with this object.
    pub fn of(catalog: &Catalog, id: &ObjectId) -> Self {
        // an owned sequence leads to its column, a comment to a constraint, to a table: never further than this
        let mut id = id.clone();
        for _ in 0..8 {
            match id.kind {
                Kind::Schema => return Self::Schema(id.path.last().to_owned()),
                Kind::DefaultPrivileges => {
                    return id
                        .schema()
                        .map_or(Self::DefaultPrivileges, |schema| Self::Schema(schema.to_owned()));
                }
                _ => {}
            }
            match whole(catalog, &id) {
                Some(next) if next != id => id = next,
                _ => break,
            }
        }
        Self::Object(id)
    }

    /// The object that the file is called after, where there is one.
    pub fn object(&self) -> Option<ObjectId> {
        match self {
            Self::DefaultPrivileges => None,
            Self::Schema(name) => Some(ObjectId::new(Kind::Schema, [name.as_str()])),
            Self::Object(id) => Some(id.clone()),
        }
    }
}

/// What this object is written with, one step further.
fn whole(catalog: &Catalog, id: &ObjectId) -> Option<ObjectId> {
    let table = |path: &[String]| relation(catalog, path);
    match id.kind {
        Kind::Column
        | Kind::Default
        | Kind::Constraint
        | Kind::Rule
        | Kind::Trigger
        | Kind::PartitionTrigger
        | Kind::Policy => table(id.path.parts().get(..2)?),
        Kind::Attachment | Kind::ToastOptions => table(id.path.parts()),
        Kind::Comment | Kind::Privileges | Kind::Owner => {
            let target = id.target()?;
            let known = catalog.objects.contains_key(&target)
                || !matches!(target.kind, Kind::Sequence | Kind::Constraint | Kind::Index);
            // what has no object of its own, as the sequence of an identity column, stands where that is which has it
            let owner = || catalog.needs.iter().find(|need| need.from == *id).map(|need| need.to.clone());
            if known { Some(target) } else { owner().or(Some(target)) }
        }
        Kind::Sequence => {
            let owner = ObjectId { kind: Kind::SequenceOwner, path: id.path.clone() };
            match catalog.objects.get(&owner) {
                Some(Object::SequenceOwner(owner)) => table(owner.column.get(..2)?),
                _ => None,
            }
        }
        Kind::SequenceOwner => Some(ObjectId { kind: Kind::Sequence, path: id.path.clone() }),
        _ => match catalog.objects.get(id)? {
            Object::Index(index) => Some(index.relation()),
            Object::IndexAttachment(attachment) => table(&attachment.table),
            other => other.part_of(id),
        },
    }
}

/// Whatever of this name has columns, constraints or triggers.
fn relation(catalog: &Catalog, path: &[String]) -> Option<ObjectId> {
    let kinds = [Kind::Table, Kind::View, Kind::MaterializedView, Kind::Composite, Kind::Domain];
    let mut ids = kinds.into_iter().map(|kind| ObjectId::new(kind, path.to_vec()));
    ids.find(|id| catalog.objects.contains_key(id))
}
