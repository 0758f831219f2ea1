//! What drafts take away from others, and what they give them.

use super::{
    Lowering,
    draft::{Draft, Key},
};
use crate::{
    diff::How,
    graph::{self, Act, Unit},
    kind::{
        Column, Object,
        constraint::ConstraintType,
        index_body::{IndexBody, IndexKey},
    },
    name::{Kind, ObjectId, Pair},
    step::{Operation, Verb},
};

impl Lowering<'_> {
    /// Says of the unit's drafts, from this index on, what is away from each of them on, and what is there.
    pub(super) fn promise(&mut self, unit: &Unit, first: usize) {
        let does = |draft: &Draft| !draft.run.is_nothing() && draft.object == unit.root;
        let Some(core) = self.steps.iter().skip(first).rposition(does).map(|at| first + at) else { return };
        let exchanged = self.steps[core].run.operation == Operation::Swap;
        match (unit.act, self.steps[core].verb) {
            // a partition's trigger fires as its parent's again, and so do those of its own partitions
            (Act::Drop, _) if unit.root.kind == Kind::PartitionTrigger => {
                let mut keys = self.switched(&unit.root).into_iter();
                self.steps[core].takes.extend(keys.next());
                self.steps[core].gives.extend(keys);
            }
            (Act::Drop, Verb::Drop | Verb::Replace) => {
                self.steps[core].takes = self.keys(&unit.members, |change| change.before.as_ref());
                // what comes with it, in its place
                for at in core + 1..self.steps.len() {
                    let Draft { object, verb, .. } = &self.steps[at];
                    if *verb == Verb::Create && *object != unit.root && !self.steps[at].run.is_nothing() {
                        let gives = self.keys(std::slice::from_ref(object), |change| change.after.as_ref());
                        self.steps[at].gives = gives;
                    }
                }
            }
            // another one is built for it, and takes its place
            (Act::Drop, Verb::Alter) => {
                let rules = |object: Option<&Object>| object.and_then(|object| rule(&unit.root, object));
                let change = self.changes.get(&unit.root);
                let takes = change.and_then(|change| rules(change.object.before.as_ref()));
                let gives = change.and_then(|change| rules(change.object.after.as_ref()));
                let last = if exchanged { self.steps.len() - 1 } else { core };
                let built = if exchanged { first } else { core };
                self.steps[last].takes.extend(takes);
                self.steps[built].gives.extend(gives);
            }
            // a trigger that is switched in a partition is so in those below, until they have their own say
            (Act::Create | Act::Alter, _) if unit.root.kind == Kind::PartitionTrigger => {
                let mut keys = self.switched(&unit.root).into_iter();
                self.steps[core].gives.extend(keys.next());
                self.steps[core].takes.extend(keys);
            }
            (Act::Create, _) => {
                let made = |draft: &Draft| does(draft) && !draft.run.operation.reads_all();
                if let Some(made) = self.steps.iter().skip(first).rposition(made) {
                    self.steps[first + made].gives = self.keys(&unit.members, |change| change.after.as_ref());
                }
            }
            (Act::Alter, _) => {
                // partitions' columns change with the parent's
                for change in unit.members.iter().filter_map(|id| self.changes.get(id)) {
                    let Pair { before: Some(Object::Column(old)), after: Some(Object::Column(new)) } =
                        &change.object
                    else {
                        continue;
                    };
                    let default = ObjectId { kind: Kind::Default, path: change.id.path.clone() };
                    let fills_itself =
                        |column: &Column| column.identity.is_some() || column.generated.is_some();
                    match (fills_itself(old), fills_itself(new)) {
                        (false, true) => self.steps[core].gives.push(Key::Object(default)),
                        (true, false) => self.steps[core].takes.push(Key::Object(default)),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }

    /// That a trigger fires in a partition, and in those below.
    fn switched(&self, trigger: &ObjectId) -> Vec<Key> {
        self.family(trigger).iter().map(|table| Key::Name("fires", named(table, trigger))).collect()
    }

    /// The keys of objects that go, or come.
    fn keys(
        &self,
        members: &[ObjectId],
        side: impl Fn(&Pair<Option<Object>>) -> Option<&Object>,
    ) -> Vec<Key> {
        let mut keys = Vec::new();
        for (id, change) in members.iter().filter_map(|id| Some((id, self.changes.get(id)?))) {
            let Some(object) = side(&change.object) else { continue };
            // a column that counts by itself has a default, too
            if is_replaced(&change.how) || id.kind == Kind::Default {
                keys.push(Key::Object(id.clone()));
            }
            match object {
                // one that goes takes those of the tables below along
                Object::Constraint(check) if check.contype == ConstraintType::Check => {
                    keys.extend(self.family(id).iter().map(|table| Key::Name("check", named(table, id))));
                }
                // a view may take the place of a materialized view, which is another object to PostgreSQL
                Object::Privileges(_) => {
                    let on = id.target().map(|target| target.path.parts().join("\0"));
                    keys.extend(on.map(|name| Key::Name("privileges", name)));
                }
                _ => {}
            }
            if matches!(
                object,
                Object::Table(_) | Object::View(_) | Object::MaterializedView(_) | Object::Function(_)
            ) {
                let names = graph::names(id, object);
                keys.extend(names.into_iter().map(|(space, name)| Key::Name(space, name)));
            }
            keys.extend(rule(id, object));
        }
        keys
    }
}

/// A name within a table.
fn named(table: &ObjectId, of: &ObjectId) -> String {
    format!("{}\0{}", table.path.parts().join("\0"), of.path.last())
}

fn is_replaced(how: &How) -> bool {
    match how {
        How::Replace => true,
        How::Implied(_, how) => is_replaced(how),
        _ => false,
    }
}

/// What it says of rows that another object could say as well.
fn rule(id: &ObjectId, object: &Object) -> Option<Key> {
    match object {
        Object::Index(index) if index.unique => Some(Key::Unique(index.relation(), unique(&index.body))),
        Object::Constraint(key) => {
            let table = id.relation()?;
            match key.contype {
                ConstraintType::ForeignKey => Some(Key::Reference(table, key.definition.clone())),
                ConstraintType::PrimaryKey | ConstraintType::Unique => {
                    key.body().map(|body| Key::Unique(table, unique(&body)))
                }
                _ => None,
            }
        }
        _ => None,
    }
}

/// Of which rows one may be there: whatever the order of the columns, and what is stored with them.
fn unique(body: &IndexBody) -> String {
    let mut keys: Vec<String> = body.shape.keys.iter().map(IndexKey::compared).collect();
    keys.sort();
    let nulls = if body.nulls_not_distinct { " NULLS NOT DISTINCT" } else { "" };
    format!("({}){nulls} {}", keys.join(", "), body.predicate.as_deref().unwrap_or_default())
}
