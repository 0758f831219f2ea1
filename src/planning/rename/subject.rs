//! What one `@renamed` is about: an object, an attribute of a type, or a label of an enum.

use super::{Moved, Slot, containers, name_at, named, slots, step};
use crate::{
    annotation::{Annotation, AnnotationTarget},
    catalog::Catalog,
    kind::{Ddl, Object},
    name::{Kind, ObjectId, Pair},
    sql,
    step::Step,
};

/// Something that is to have another name.
pub(super) struct Subject<'a> {
    /// None if it goes along with others.
    pub annotation: Option<&'a Annotation>,
    /// Its name before, and after.
    pub from: String,
    pub to: String,
    /// What it will be called. Of a part: its type, and it.
    pub new: ObjectId,
    /// What it is called in the database, within what its containers are called there.
    pub old: ObjectId,
    /// What has its new name in the database, if anything has.
    pub taken: ObjectId,
    /// The object in the database, unless it is a part of one.
    pub object: Option<&'a Object>,
    /// The parts of its type, if it is one.
    pub parts: Option<Pair<Vec<Part>>>,
}

/// An attribute with its type, or a label.
pub(super) type Part = (String, String);

impl<'a> Subject<'a> {
    /// None if there is nothing to rename: it is not wanted, or it is of a type that is not there.
    pub fn of(
        annotation: &'a Annotation,
        from: &str,
        catalogs: Pair<&'a Catalog>,
        moved: &Moved,
    ) -> Option<Self> {
        let (new, containers) = match &annotation.target {
            AnnotationTarget::Object { kinds, path } => {
                let fits = |id: &&ObjectId| kinds.contains(&id.kind) && id.path.parts().starts_with(path);
                let found = catalogs.after.objects.keys().filter(fits);
                let new = found.min_by_key(|id| id.path.parts().len())?.clone();
                let containers = containers(&new);
                (new, containers)
            }
            AnnotationTarget::Attribute { of, name } => (part(Kind::Composite, of, name), of.len()),
            AnnotationTarget::Label { of, label } => (part(Kind::Enum, of, label), of.len()),
        };
        let taken = ObjectId::new(new.kind, moved.before(new.path.parts(), containers));
        let old = named(&taken, from);
        let parts = match &annotation.target {
            AnnotationTarget::Object { .. } => None,
            _ => Some(Pair::new(parts(catalogs.before, &taken)?, parts(catalogs.after, &new)?)),
        };
        let to = new.path.parts().get(name_at(&new))?.clone();
        let object = catalogs.before.objects.get(&old).filter(|_| parts.is_none());
        (from != to).then(|| Self {
            annotation: Some(annotation),
            from: from.to_owned(),
            to,
            new,
            old,
            taken,
            object,
            parts,
        })
    }

    /// Whether this one is in the database.
    pub fn is_there(&self, id: &ObjectId, base: &Catalog) -> bool {
        match &self.parts {
            Some(parts) => parts.before.iter().any(|(name, _)| name == id.path.last()),
            None => base.objects.contains_key(id),
        }
    }

    /// Whether something is to have the old name.
    pub fn old_is_wanted(&self, wanted: &Catalog) -> bool {
        match &self.parts {
            Some(parts) => parts.after.iter().any(|(name, _)| *name == self.from),
            None => wanted.objects.contains_key(&named(&self.new, &self.from)),
        }
    }

    /// What it takes under a name.
    pub fn slots(&self, name: &str) -> Vec<Slot> {
        let id = named(&self.new, name);
        match self.object {
            Some(object) => slots(&id, object),
            None => vec![(id.kind.label().to_owned(), id.path.parts().join("\0"))],
        }
    }

    /// What others are in, with its old path and the new one.
    pub fn container(&self) -> Option<Pair<Vec<String>>> {
        let contains = matches!(
            self.new.kind,
            Kind::Schema
                | Kind::Table
                | Kind::View
                | Kind::MaterializedView
                | Kind::Domain
                | Kind::Composite
                | Kind::Enum
                | Kind::Range
        );
        let path = |id: &ObjectId| id.path.parts().to_vec();
        (contains && self.parts.is_none())
            .then(|| Pair::new(path(&named(&self.new, &self.from)), path(&self.new)))
    }

    fn ddl(&self, from: &str, to: &str) -> Option<Ddl> {
        if let Some(object) = self.object {
            return object.rename(Pair::new(&named(&self.new, from), &named(&self.new, to)));
        }
        let of = sql::qualified(&self.new.path.parts()[..2]);
        let (what, from, to) = match self.new.kind {
            Kind::Enum => ("VALUE", sql::literal(from), sql::literal(to)),
            _ => ("ATTRIBUTE", sql::ident(from), sql::ident(to)),
        };
        Some(Ddl::statement(format!("ALTER TYPE {of} RENAME {what} {from} TO {to}")))
    }

    /// Whether PostgreSQL can rename it.
    pub fn can_be_renamed(&self) -> bool {
        self.ddl(&self.from, &self.to).is_some()
    }

    /// The step from one name to another.
    pub fn rename(&self, from: &str, to: &str) -> Option<Step> {
        let (there, back) = (self.ddl(from, to)?, self.ddl(to, from)?);
        if self.object.is_some() {
            let (before, after) = (named(&self.new, from), named(&self.new, to));
            return Some(step(after, format!("rename {before} to {}", sql::ident(to)), there, back));
        }
        let of = ObjectId::new(self.new.kind, self.new.path.parts()[..2].to_vec());
        let summary = match self.new.kind {
            Kind::Enum => format!("rename label {} of {of} to {}", sql::literal(from), sql::literal(to)),
            _ => format!("rename attribute {} of {of} to {}", sql::ident(from), sql::ident(to)),
        };
        Some(step(of, summary, there, back))
    }

    /// Frees the new name of a part, which one that goes has.
    pub fn part_out_of_the_way(&self, pending: &[Self]) -> Option<Step> {
        let has_it = self.parts.as_ref()?.before.iter().any(|(name, _)| *name == self.to);
        let leaves = pending.iter().any(|other| other.old == self.taken);
        (has_it && !leaves).then(|| self.rename(&self.to, &sql::aside(&self.to))).flatten()
    }
}

fn part(kind: Kind, of: &[String], name: &str) -> ObjectId {
    ObjectId::new(kind, of.iter().cloned().chain([name.to_owned()]).collect::<Vec<_>>())
}

/// The parts of the type that a part is of.
fn parts(catalog: &Catalog, part: &ObjectId) -> Option<Vec<Part>> {
    let of = part.path.parts().split_last()?.1.to_vec();
    match catalog.objects.get(&ObjectId::new(part.kind, of))? {
        Object::Enum(labels) => {
            Some(labels.labels.iter().map(|label| (label.clone(), String::new())).collect())
        }
        Object::Composite(composite) => {
            let attributes = composite.attributes.iter();
            Some(attributes.map(|attribute| (attribute.name.clone(), attribute.data_type.clone())).collect())
        }
        _ => None,
    }
}
