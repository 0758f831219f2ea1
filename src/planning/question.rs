//! Questions: what may be a rename and may be a drop is asked, not guessed.

use std::{collections::BTreeSet, fmt};

use crate::{
    diff::{Changes, How},
    kind::Object,
    name::{Kind, ObjectId},
};

/// A table or column that goes while one of like shape comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// What goes.
    pub dropped: ObjectId,
    /// What comes.
    pub created: Vec<ObjectId>,
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let created: Vec<String> = self.created.iter().map(ToString::to_string).collect();
        write!(
            f,
            "{} goes and {} comes: is it a rename? If so, write `-- @renamed from={}` above it; if not, plan with --assume-drop {}",
            self.dropped,
            created.join(" or "),
            crate::sql::ident(self.dropped.path.last()),
            crate::sql::qualified(self.dropped.path.parts()),
        )
    }
}

/// What must be answered before these changes can be a plan.
pub fn ask(changes: &Changes, assume_drop: &BTreeSet<String>) -> Vec<Question> {
    let mut questions = Vec::new();
    for change in changes.values().filter(|change| change.how == How::Drop) {
        let id = &change.id;
        let name = crate::sql::qualified(id.path.parts());
        let answered = assume_drop.contains("all")
            || assume_drop.contains(&name)
            || assume_drop.contains(id.path.last())
            || assume_drop.contains(&id.to_string());
        if answered {
            continue;
        }
        let created: Vec<ObjectId> = changes
            .values()
            .filter(|other| {
                other.how == How::Create && other.id.kind == id.kind && alike(changes, id, &other.id)
            })
            .map(|other| other.id.clone())
            .collect();
        if !created.is_empty() {
            questions.push(Question { dropped: id.clone(), created });
        }
    }
    questions
}

/// Whether one may be the other under a new name.
fn alike(changes: &Changes, dropped: &ObjectId, created: &ObjectId) -> bool {
    let old = changes.get(dropped).and_then(|change| change.object.before.as_ref());
    let new = changes.get(created).and_then(|change| change.object.after.as_ref());
    match (old, new) {
        (Some(Object::Column(old)), Some(Object::Column(new))) => {
            // a table that is dropped or created as a whole asks for itself
            let whole = |id: &ObjectId| {
                id.relation().is_some_and(|table| {
                    changes.get(&table).is_some_and(|c| matches!(c.how, How::Drop | How::Create))
                })
            };
            dropped.relation() == created.relation()
                && old.base_type == new.base_type
                && !whole(dropped)
                && old.generated.is_none()
        }
        (Some(Object::Table(_)), Some(Object::Table(_))) => {
            let columns = |table: &ObjectId, how: &How| -> BTreeSet<&str> {
                changes
                    .values()
                    .filter(|c| {
                        c.id.kind == Kind::Column && c.id.relation().as_ref() == Some(table) && c.how == *how
                    })
                    .map(|c| c.id.path.last())
                    .collect()
            };
            let (old, new) = (columns(dropped, &How::Drop), columns(created, &How::Create));
            // more than half of their columns have the same names
            old.intersection(&new).count() * 2 > old.len().max(new.len())
        }
        _ => false,
    }
}
