//! Renames: what `@renamed` annotations ask for, as the first steps of a plan. Columns and tables that are renamed online
//! are among them, since all that follows is planned for the new names; `online` and `tables` find what their recipes
//! need.
//!
//! Outermost objects come first: what is in a renamed table is renamed under its new name. Those of one level give up
//! their names for each other: a name is free before it is taken, and where they exchange theirs in a circle, one steps
//! aside for a moment. Which of them were made already is decided in `fate`.

mod along;
pub(super) mod expand_form;
mod fate;
pub(super) mod online;
mod subject;
pub(super) mod tables;

use std::collections::BTreeMap;

use super::PlanningError;
use crate::{
    annotation::{Annotation, AnnotationTarget, How, Instruction},
    catalog::Catalog,
    config, graph,
    kind::{Ddl, IndexAttachment, Object},
    name::{Kind, ObjectId, Pair},
    sql,
    step::{Action, Phase, Step, Verb},
};
pub(super) use along::along;
use online::Online;
use subject::Subject;

/// The renames of a plan.
pub(super) struct Renames<'a> {
    /// All of them as if nobody used the old names, in order.
    pub steps: Vec<Step>,
    /// The columns and tables among them whose old names stay for a while.
    pub online: Vec<Online<'a>>,
    /// Whether one is made as the environment says, since its annotation does not.
    pub by_default: bool,
}

impl Renames<'_> {
    /// Takes the new names back of what is renamed online.
    pub fn back(&self) -> Vec<Step> {
        let online = self.steps.iter().rev().filter(|step| self.is_online(step)).cloned();
        online.map(|step| Step { run: step.undo, undo: step.run, ..step }).collect()
    }

    /// Whether a step renames a column or a table online.
    pub fn is_online(&self, step: &Step) -> bool {
        self.online.iter().any(|one| one.new == step.object)
    }
}

/// The renames that annotations ask for. `otherwise`: those of columns and tables that do not say how.
pub(super) fn asked<'a>(
    annotations: &'a [Annotation],
    base: &'a Catalog,
    wanted: &'a Catalog,
    otherwise: config::Renames,
) -> Result<Renames<'a>, PlanningError> {
    let mut levels: BTreeMap<usize, Vec<(&Annotation, &str)>> = BTreeMap::new();
    for annotation in annotations {
        if let Instruction::Renamed { from, .. } = &annotation.instruction {
            levels.entry(depth(&annotation.target)).or_default().push((annotation, from));
        }
    }
    let mut moved = Moved::default();
    let (mut steps, mut asked, mut by_default) = (Vec::new(), Vec::new(), false);
    for mut level in levels.into_values() {
        level.sort_by_key(|(annotation, _)| &annotation.target);
        let mut subjects = Vec::new();
        for (annotation, from) in level {
            subjects.extend(Subject::of(annotation, from, Pair::new(base, wanted), &moved));
        }
        let pending = fate::pending(subjects, Pair::new(base, wanted))?;
        for subject in &pending {
            let Some(annotation) = subject.annotation else { continue };
            let can_have_two =
                matches!(subject.new.kind, Kind::Column | Kind::Table) && subject.parts.is_none();
            by_default |= way(annotation).is_none() && can_have_two;
            match way(annotation) {
                Some(How::Online) if !can_have_two => {
                    let Annotation { at, target, .. } = annotation;
                    return Err(PlanningError::NotYet(vec![format!("{at}: @renamed … online on {target}")]));
                }
                None if otherwise == config::Renames::Instant || !can_have_two => continue,
                Some(How::Instant) => continue,
                Some(How::Online) | None => {}
            }
            let (new, from) = (subject.new.clone(), subject.from.clone());
            asked.push(Online { annotation, new, from });
        }
        steps.extend(out_of_the_way(&pending, base));
        steps.extend(in_order(&pending));
        moved.0.extend(pending.iter().filter_map(Subject::container));
    }
    Ok(Renames { steps, online: asked, by_default })
}

/// Whether a rename asks for old and new names side by side, or says that it does not.
fn way(annotation: &Annotation) -> Option<How> {
    match annotation.instruction {
        Instruction::Renamed { how, .. } => how,
        _ => None,
    }
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

/// How deep within others something is.
fn depth(target: &AnnotationTarget) -> usize {
    match target {
        AnnotationTarget::Object { path, .. } => path.len(),
        AnnotationTarget::Attribute { of, .. } | AnnotationTarget::Label { of, .. } => of.len() + 1,
    }
}

/// The containers that are renamed: new paths and the old ones, each within what was renamed before.
#[derive(Default)]
struct Moved(Vec<Pair<Vec<String>>>);

impl Moved {
    /// What a path is in the database, in whose first parts other things may be.
    fn before(&self, path: &[String], containers: usize) -> Vec<String> {
        let mut path = path.to_vec();
        for length in (1..=containers.min(path.len())).rev() {
            if let Some(moved) = self.0.iter().find(|moved| moved.after == path[..length]) {
                path.splice(..length, moved.before.iter().cloned());
            }
        }
        path
    }
}

/// How many of the first parts of an object's path are what it is in.
fn containers(id: &ObjectId) -> usize {
    match id.kind {
        Kind::DomainConstraint => 2,
        _ if id.relation().is_some() => 2,
        _ => usize::from(id.path.parts().len() > 1),
    }
}

/// Where an object's own name is in its path.
fn name_at(id: &ObjectId) -> usize {
    match id.kind {
        Kind::Function | Kind::Aggregate => 1,
        _ => id.path.parts().len().saturating_sub(1),
    }
}

/// The same object under another name.
fn named(id: &ObjectId, name: &str) -> ObjectId {
    let mut path = id.path.parts().to_vec();
    if let Some(own) = path.get_mut(name_at(id)) {
        name.clone_into(own);
    }
    ObjectId::new(id.kind, path)
}

/// A name with what it is unique in.
type Slot = (String, String);

/// The names that an object takes.
fn slots(id: &ObjectId, object: &Object) -> Vec<Slot> {
    // the sequence of an identity column is an object of its own here
    let mut names = if id.kind == Kind::Column { Vec::new() } else { graph::names(id, object) };
    if id.kind == Kind::IdentitySequence {
        names.push(("relation", id.path.parts().join("\0")));
    }
    let names = names.into_iter().map(|(space, name)| (space.to_owned(), name));
    names.chain([(id.kind.label().to_owned(), id.path.parts().join("\0"))]).collect()
}

fn meet(some: &[Slot], others: &[Slot]) -> bool {
    some.iter().any(|slot| others.contains(slot))
}

/// Frees the names that the plan takes from objects that it drops later.
fn out_of_the_way(pending: &[Subject<'_>], base: &Catalog) -> Vec<Step> {
    let renamed = |id: &ObjectId| pending.iter().any(|other| other.old == *id);
    let mut steps = Vec::new();
    for subject in pending {
        let Some(object) = subject.object else {
            steps.extend(subject.part_out_of_the_way(pending));
            continue;
        };
        let taken = slots(&subject.taken, object);
        let in_the_way = base.objects.iter().filter(|(id, other)| {
            id.kind != Kind::Column
                && !renamed(id)
                && slots(id, other).iter().any(|slot| taken.contains(slot))
                || **id == subject.taken && !renamed(id)
        });
        for (id, other) in in_the_way {
            // its container may be called otherwise by now
            let id = if *id == subject.taken { &subject.new } else { id };
            let aside = named(id, &sql::aside(&id.path.parts()[name_at(id)]));
            let summary =
                format!("rename {id} to {}, out of the way", sql::ident(&aside.path.parts()[name_at(id)]));
            let (there, back) = (other.rename(Pair::new(id, &aside)), other.rename(Pair::new(&aside, id)));
            steps.extend(there.zip(back).map(|(there, back)| step(aside, summary, there, back)));
        }
    }
    steps
}

/// The renames, each when its new name is free.
fn in_order(pending: &[Subject<'_>]) -> Vec<Step> {
    let mut open: Vec<(&Subject<'_>, String)> =
        pending.iter().map(|subject| (subject, subject.from.clone())).collect();
    let mut steps = Vec::new();
    while !open.is_empty() {
        let free = (0..open.len()).find(|at| {
            let taken = open[*at].0.slots(&open[*at].0.to);
            let others = open.iter().enumerate().filter(|(other, _)| other != at);
            !others.into_iter().any(|(_, (subject, from))| meet(&taken, &subject.slots(from)))
        });
        if let Some(free) = free {
            let (subject, from) = open.remove(free);
            steps.extend(subject.rename(&from, &subject.to));
        } else if let Some((subject, from)) = open.first_mut() {
            let aside = sql::aside(from);
            steps.extend(subject.rename(from, &aside));
            *from = aside;
        }
    }
    steps
}

fn step(object: ObjectId, summary: String, there: Ddl, back: Ddl) -> Step {
    let action = |ddl: Ddl| Action::catalog(ddl.into_statements());
    Step {
        phase: Phase::Expand,
        verb: Verb::Rename,
        object,
        summary,
        run: action(there),
        undo: action(back),
        batch: 1,
        with: None,
    }
}
