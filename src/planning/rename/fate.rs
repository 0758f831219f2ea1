//! Which renames are still to be made. An annotation stays when it has done its work, and is harmless then.
//!
//! One whose old name is gone was made. Where the old name is taken by what another annotation renames, the two are
//! made together or were. In a circle every name is taken before and after: there the wanted schema decides, by
//! whether it is more like the database as it is or as it would be.

use super::{PlanningError, Subject};
use crate::{
    catalog::Catalog,
    kind::Object,
    name::{Kind, ObjectId, Pair},
};

/// Those that are to be made.
pub(super) fn pending<'a>(
    subjects: Vec<Subject<'a>>,
    catalogs: Pair<&Catalog>,
) -> Result<Vec<Subject<'a>>, PlanningError> {
    let wrong = |subject: &Subject<'_>, why: String| PlanningError::Annotation {
        at: subject.annotation.map(|annotation| annotation.at.to_string()).unwrap_or_default(),
        why,
    };
    let is_succeeded = |subject: &Subject<'_>| subjects.iter().any(|other| other.taken == subject.old);
    // the one that has the name which a subject is to have
    let gives_way = |subject: &Subject<'_>| subjects.iter().position(|other| other.old == subject.taken);
    let mut to_do = vec![None; subjects.len()];
    for head in (0..subjects.len()).filter(|at| !is_succeeded(&subjects[*at])) {
        let (mut next, mut before) = (Some(head), None);
        while let Some(at) = next.filter(|at| to_do[*at].is_none()) {
            let subject = &subjects[at];
            let there = subject.is_there(&subject.old, catalogs.before);
            let taken = subject.is_there(&subject.taken, catalogs.before);
            let is_part = subject.parts.is_some();
            to_do[at] = Some(match before {
                _ if !there && (taken || is_part) => false,
                _ if !there => {
                    return Err(wrong(
                        subject,
                        format!(
                            "there is neither {} nor {} in the database; take the annotation away or correct its name",
                            subject.old, subject.new
                        ),
                    ));
                }
                // the one that has the name is to go, and steps aside until then; if both are to stay, it is a mistake
                None if taken && gives_way(subject).is_none() && subject.old_is_wanted(catalogs.after) => {
                    return Err(wrong(
                        subject,
                        format!(
                            "there are both {} and {} in the database; take the annotation away, or drop one of them first",
                            subject.old, subject.new
                        ),
                    ));
                }
                None => true,
                // what has the old name has it by that annotation, or is to give it to it
                Some(before) => before || !taken,
            });
            (next, before) = (gives_way(subject), to_do[at]);
        }
    }
    while let Some(first) = to_do.iter().position(Option::is_none) {
        let mut circle = vec![first];
        while let Some(next) =
            circle.last().and_then(|at| gives_way(&subjects[*at])).filter(|next| !circle.contains(next))
        {
            circle.push(next);
        }
        let members: Vec<&Subject<'_>> = circle.iter().map(|at| &subjects[*at]).collect();
        let exchange = match members.iter().find(|subject| !subject.is_there(&subject.old, catalogs.before)) {
            Some(subject) => {
                return Err(wrong(
                    subject,
                    format!("there is no {} in the database to be renamed", subject.old),
                ));
            }
            None => likeness(&members, catalogs, true).cmp(&likeness(&members, catalogs, false)),
        };
        if exchange.is_eq() {
            let names: Vec<String> = members.iter().map(|subject| subject.new.to_string()).collect();
            return Err(wrong(
                &subjects[first],
                format!(
                    "{} exchange their names, and are so alike that nobody can tell whether they did already; take the annotations away if so, or rename them by way of another name in two plans",
                    names.join(" and ")
                ),
            ));
        }
        for at in circle {
            to_do[at] = Some(exchange.is_gt());
        }
    }
    let pending = subjects.into_iter().zip(to_do).filter(|(_, to_do)| *to_do == Some(true));
    let pending: Vec<Subject<'a>> = pending.map(|(subject, _)| subject).collect();
    match pending.iter().find(|subject| !subject.can_be_renamed()) {
        Some(subject) => Err(wrong(
            subject,
            format!("PostgreSQL cannot rename {}; drop it and create it anew", subject.old),
        )),
        None => Ok(pending),
    }
}

/// How much of what is wanted under the names of a circle is in the database, under these names or the old ones.
fn likeness(circle: &[&Subject<'_>], catalogs: Pair<&Catalog>, exchanged: bool) -> (usize, usize) {
    if let Some(Some(parts)) = circle.first().map(|subject| subject.parts.as_ref()) {
        let before: Vec<_> = parts
            .before
            .iter()
            .map(|(name, of)| {
                let renamed = circle.iter().find(|subject| exchanged && subject.from == *name);
                (renamed.map_or(name, |subject| &subject.to), of)
            })
            .collect();
        let after: Vec<_> = parts.after.iter().map(|(name, of)| (name, of)).collect();
        let in_place = before.iter().zip(&after).filter(|(before, after)| before == after).count();
        return (after.iter().filter(|part| before.contains(part)).count(), in_place);
    }
    let was = |id: &ObjectId| {
        let inside = circle.iter().find(|subject| id.path.parts().starts_with(subject.new.path.parts()));
        inside.map(|subject| {
            let root = if exchanged { &subject.old } else { &subject.taken };
            let rest = &id.path.parts()[subject.new.path.parts().len()..];
            ObjectId::new(id.kind, [root.path.parts(), rest].concat())
        })
    };
    // constraints are called after their tables: whether one is there says more than what it is called
    let anywhere = |was: &ObjectId, new: &Object| {
        let beside = catalogs.before.objects.iter().filter(|(id, _)| {
            id.kind == Kind::Constraint && id.path.parts().starts_with(&was.path.parts()[..2])
        });
        beside.map(|(_, old)| old).find(|old| *old == new)
    };
    let objects = catalogs.after.objects.iter().filter_map(|(id, new)| {
        let was = was(id)?;
        let old = match id.kind {
            Kind::Constraint => anywhere(&was, new)?,
            _ => catalogs.before.objects.get(&was)?,
        };
        Some(
            usize::from(old.without_texts() == new.without_texts())
                + usize::from(unnamed(old) == unnamed(new)),
        )
    });
    // who uses them says which is which, too
    let had: std::collections::BTreeSet<(&ObjectId, &ObjectId)> =
        catalogs.before.needs.iter().map(|need| (&need.from, &need.to)).collect();
    let others = catalogs
        .after
        .needs
        .iter()
        .filter(|need| need.from.kind != Kind::Constraint || was(&need.from).is_none());
    let needs = others.filter(|need| {
        let from = was(&need.from).unwrap_or_else(|| need.from.clone());
        was(&need.to).is_some_and(|to| had.contains(&(&from, &to)))
    });
    (objects.sum(), needs.count())
}

/// An object without its own name, which stands in the first line of a function's text.
fn unnamed(object: &Object) -> Object {
    let mut object = object.clone();
    if let Object::Function(function) = &mut object {
        function.definition = function.definition.split_once('\n').unwrap_or_default().1.to_owned();
    }
    object
}
