//! Instant renames: what `@renamed` annotations ask for, as the first steps of a plan.

use std::collections::BTreeMap;

use crate::{
    annotation::{Annotation, AnnotationTarget, Instruction},
    catalog::Catalog,
    kind::{Ddl, IndexAttachment, Object},
    name::{Kind, ObjectId, Pair, Path},
    planning::PlanningError,
    sql::{self, Sql},
    step::{Action, Phase, Step, Verb},
};

/// The rename steps, outermost objects first: what is in a renamed table is renamed under its new name.
pub(super) fn steps(
    annotations: &[Annotation],
    base: &Catalog,
    wanted: &Catalog,
) -> Result<Vec<Step>, PlanningError> {
    let mut renames = Vec::new();
    let mut online = Vec::new();
    for annotation in annotations {
        if let Instruction::Renamed { from, .. } = &annotation.instruction {
            online.extend(super::annotated::asks_online(annotation).then_some(annotation));
            renames.push((annotation, from.as_str()));
        }
    }
    renames.sort_by_key(|(annotation, _)| match &annotation.target {
        AnnotationTarget::Object { kinds, path } => (path.len(), kinds.first().copied(), path.clone()),
        AnnotationTarget::Attribute { of, name } | AnnotationTarget::Label { of, label: name } => {
            (of.len() + 1, None, of.iter().cloned().chain([name.clone()]).collect())
        }
    });
    let mut done = Done::default();
    let mut steps = Vec::new();
    for (annotation, from) in renames {
        let found = match &annotation.target {
            AnnotationTarget::Object { kinds, path } => {
                object(annotation, kinds, path, from, base, wanted, &mut done)?
            }
            AnnotationTarget::Attribute { of, name } => {
                attribute(&done.before(of), of, name, from, base).into_iter().collect()
            }
            AnnotationTarget::Label { of, label } => {
                label_of(&done.before(of), of, label, from, base).into_iter().collect::<Vec<_>>()
            }
        };
        if !found.is_empty() && online.contains(&annotation) {
            let what = format!("{}: @renamed … online on {}", annotation.at, annotation.target);
            return Err(PlanningError::NotYet(vec![what]));
        }
        steps.extend(found);
    }
    Ok(steps)
}

/// Of the indexes of one partition, one at most is attached to an index of the whole: if that is called otherwise, it has
/// been renamed, and there is nothing to ask.
pub(super) fn attached(base: &Catalog, wanted: &Catalog) -> Vec<Step> {
    let wanted_names: BTreeMap<_, _> =
        attachments(wanted).map(|(id, own)| ((own.parent_id(), &own.table), own.child(id))).collect();
    let mut renamed: BTreeMap<ObjectId, ObjectId> = BTreeMap::new();
    // an index whose own parent is renamed is found in the next round
    loop {
        let known = renamed.len();
        for (id, own) in attachments(base) {
            let parent = own.parent_id();
            let parent = renamed.get(&parent).unwrap_or(&parent).clone();
            let old = own.child(id);
            let Some(new) = wanted_names.get(&(parent, &own.table)) else { continue };
            if old.kind == new.kind && !wanted.objects.contains_key(&old) && !base.objects.contains_key(new) {
                renamed.insert(old, new.clone());
            }
        }
        if renamed.len() == known {
            break;
        }
    }
    let steps = renamed.iter().filter_map(|(old, new)| {
        let object = base.objects.get(old)?;
        let (there, back) = (object.rename(Pair::new(old, new))?, object.rename(Pair::new(new, old))?);
        Some(step(new.clone(), format!("rename {old} to {}", sql::ident(new.path.last())), there, back))
    });
    steps.collect()
}

fn attachments(catalog: &Catalog) -> impl Iterator<Item = (&ObjectId, &IndexAttachment)> {
    catalog.objects.iter().filter_map(|(id, object)| match object {
        Object::IndexAttachment(attachment) => Some((id, attachment)),
        _ => None,
    })
}

/// Renames that were made already: new paths and the old ones.
#[derive(Default)]
struct Done(Vec<(Vec<String>, Vec<String>)>);

impl Done {
    /// What a path was called before the renames so far.
    fn before(&self, path: &[String]) -> Vec<String> {
        let mut path = path.to_vec();
        for (new, old) in self.0.iter().rev() {
            if path.starts_with(new) {
                path.splice(..new.len(), old.iter().cloned());
            }
        }
        path
    }
}

fn object(
    annotation: &Annotation,
    kinds: &[Kind],
    path: &[String],
    from: &str,
    base: &Catalog,
    wanted: &Catalog,
    done: &mut Done,
) -> Result<Vec<Step>, PlanningError> {
    let wrong = |why: String| PlanningError::Annotation { at: annotation.at.to_string(), why };
    let fits = |id: &&ObjectId| kinds.contains(&id.kind) && id.path.parts().starts_with(path);
    let new = wanted.objects.keys().filter(fits).min_by_key(|id| id.path.parts().len());
    let Some(new) = new else { return Ok(Vec::new()) };
    // what it is called in the live database: its container may have been renamed just now
    let was_container = done.before(path);
    let mut old_path = was_container.clone();
    let name_at = if matches!(new.kind, Kind::Function | Kind::Aggregate) { 1 } else { old_path.len() - 1 };
    if let Some(name) = old_path.get_mut(name_at) {
        from.clone_into(name);
    }
    if new.path.parts().len() > old_path.len() {
        old_path.extend_from_slice(&new.path.parts()[old_path.len()..]);
    }
    let old_id = ObjectId::new(new.kind, old_path.clone());
    let already = ObjectId::new(new.kind, done.before(new.path.parts()));
    match (base.objects.get(&old_id), base.objects.contains_key(&already)) {
        // the database is there already: the annotation has done its work
        (None, true) => return Ok(Vec::new()),
        (None, false) => {
            return Err(wrong(format!(
                "there is neither {old_id} nor {new} in the database; take the annotation away or correct its name"
            )));
        }
        // the one that has the name is to go, and steps aside until then; if both are to stay, it is a mistake
        (Some(_), true) if wanted.objects.contains_key(&old_id) => {
            return Err(wrong(format!(
                "there are both {old_id} and {new} in the database; take the annotation away, or drop one of them first"
            )));
        }
        (Some(_), _) => {}
    }
    let Some(object) = base.objects.get(&old_id) else { return Ok(Vec::new()) };
    // within what was renamed, the old name stands under the new container
    let mut current = new.path.parts().to_vec();
    if let Some(name) = current.get_mut(name_at) {
        from.clone_into(name);
    }
    let current = ObjectId { kind: new.kind, path: Path::from(current) };
    let there = object.rename(Pair::new(&current, new));
    let back = object.rename(Pair::new(new, &current));
    let (Some(there), Some(back)) = (there, back) else {
        return Err(wrong(format!("PostgreSQL cannot rename {old_id}; drop it and create it anew")));
    };
    let mut steps: Vec<Step> =
        base.objects.get(&already).and_then(|other| aside(new, other)).into_iter().collect();
    done.0.push((new.path.parts().to_vec(), current.path.parts().to_vec()));
    steps.push(step(
        new.clone(),
        format!("rename {current} to {}", sql::ident(new.path.parts()[name_at].as_str())),
        there,
        back,
    ));
    Ok(steps)
}

/// Frees the name of what the plan drops later.
fn aside(id: &ObjectId, object: &Object) -> Option<Step> {
    let name_at =
        if matches!(id.kind, Kind::Function | Kind::Aggregate) { 1 } else { id.path.parts().len() - 1 };
    let mut path = id.path.parts().to_vec();
    let name = path.get_mut(name_at)?;
    *name = sql::aside(name);
    let summary = format!("rename {id} to {}, out of the way", sql::ident(name));
    let other = ObjectId::new(id.kind, path);
    let (there, back) = (object.rename(Pair::new(id, &other))?, object.rename(Pair::new(&other, id))?);
    Some(step(other, summary, there, back))
}

fn attribute(old_of: &[String], of: &[String], name: &str, from: &str, base: &Catalog) -> Option<Step> {
    let Object::Composite(composite) = base.objects.get(&ObjectId::new(Kind::Composite, old_of.to_vec()))?
    else {
        return None;
    };
    composite.attributes.iter().find(|attribute| attribute.name == from)?;
    let id = ObjectId::new(Kind::Composite, of.to_vec());
    let rename = |old: &str, new: &str| {
        Ddl::statement(format!(
            "ALTER TYPE {} RENAME ATTRIBUTE {} TO {}",
            id.sql(),
            sql::ident(old),
            sql::ident(new)
        ))
    };
    let summary = format!("rename attribute {} of {id} to {}", sql::ident(from), sql::ident(name));
    Some(step(id.clone(), summary, rename(from, name), rename(name, from)))
}

fn label_of(old_of: &[String], of: &[String], label: &str, from: &str, base: &Catalog) -> Option<Step> {
    let Object::Enum(labels) = base.objects.get(&ObjectId::new(Kind::Enum, old_of.to_vec()))? else {
        return None;
    };
    labels.labels.iter().find(|known| *known == from)?;
    let id = ObjectId::new(Kind::Enum, of.to_vec());
    let rename = |old: &str, new: &str| {
        Ddl::statement(format!(
            "ALTER TYPE {} RENAME VALUE {} TO {}",
            id.sql(),
            sql::literal(old),
            sql::literal(new)
        ))
    };
    let summary = format!("rename label {} of {id} to {}", sql::literal(from), sql::literal(label));
    Some(step(id.clone(), summary, rename(from, label), rename(label, from)))
}

fn step(object: ObjectId, summary: String, there: Ddl, back: Ddl) -> Step {
    let action = |ddl: Ddl| -> Action {
        let statements: Vec<Sql> = ddl.into_statements();
        Action::catalog(statements)
    };
    Step {
        phase: Phase::Expand,
        verb: Verb::Rename,
        object,
        summary,
        run: action(there),
        undo: action(back),
        batch: 1,
    }
}
