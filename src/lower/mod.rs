//! Changes in, steps out: by which statements, in which phase and batch, and how each is undone.
//!
//! Pure. The order comes from `graph`; what is said of one object comes from its kind; what is particular to a
//! table that others use meanwhile (CONCURRENTLY, NOT VALID then VALIDATE) comes from the recipes here, one file
//! each. Every step carries its inverse, so undoing steps in reverse order is the rollback.

mod batch;
mod counter;
mod create;
mod index;
mod key;
mod phase;
mod rebuild;
mod state;
mod unproven;
mod whole;

use std::collections::BTreeMap;

use crate::{
    catalog::{Catalog, Dependency, Strength},
    diff::{Change, Changes, DiffError, How},
    graph::{self, Act, Unit},
    kind::{Alter, Object},
    name::{Kind, ObjectId, Pair},
    sql::Sql,
    step::{Action, Phase, Step, Verb},
};

pub use state::State;
pub use whole::creation_by_object;

/// What decides how changes are made.
#[derive(Debug, Clone, Default)]
pub struct Context {
    /// The role that applies: whose default privileges hold for what it creates.
    pub role: String,
    /// The server's major version.
    pub major: u16,
    /// Whether nobody else uses the database: everything is done plainly.
    pub alone: bool,
    /// Whether nothing is computed out of rows: materialized views stay empty, whose queries could need what the
    /// bodies of functions mention and nobody knows of.
    pub rowless: bool,
}

/// The steps that lead from one catalog to the other, in order and in batches.
pub fn lower(catalogs: Pair<&Catalog>, changes: &Changes, context: &Context) -> Result<Vec<Step>, DiffError> {
    let units = graph::order(catalogs, changes, &phase::earliest)?;
    let mut lowering =
        Lowering { catalogs, changes, context, state: State::new(catalogs), steps: Vec::new() };
    for unit in &units {
        lowering.unit(unit)?;
    }
    let mut steps = lowering.steps;
    steps.retain(|step| !(step.run.sql.is_empty() && step.undo.sql.is_empty()));
    batch::number(&mut steps, catalogs, changes);
    Ok(steps)
}

/// The statements that lead from one catalog to the other when nobody else is there.
pub fn statements(
    catalogs: Pair<&Catalog>,
    changes: &Changes,
    context: &Context,
) -> Result<Vec<Sql>, DiffError> {
    Ok(plainly(catalogs, changes, context)?.into_iter().flat_map(|step| step.run.sql).collect())
}

/// The steps when nobody else is there, without a way back.
fn plainly(catalogs: Pair<&Catalog>, changes: &Changes, context: &Context) -> Result<Vec<Step>, DiffError> {
    let context = Context { alone: true, ..context.clone() };
    let units = graph::order(catalogs, changes, &|_, _| Phase::Expand)?;
    let mut lowering =
        Lowering { catalogs, changes, context: &context, state: State::new(catalogs), steps: Vec::new() };
    for unit in &units {
        lowering.forward(unit);
    }
    Ok(lowering.steps)
}

/// The statements that create a whole catalog in an empty database.
pub fn creation(catalog: &Catalog, context: &Context) -> Result<Vec<Sql>, DiffError> {
    Ok(creation_by_object(catalog, context)?.into_iter().flat_map(|(_, sql)| sql).collect())
}

struct Lowering<'a> {
    catalogs: Pair<&'a Catalog>,
    changes: &'a Changes,
    context: &'a Context,
    state: State<'a>,
    steps: Vec<Step>,
}

impl Lowering<'_> {
    /// The steps of one unit, with their undo.
    fn unit(&mut self, unit: &Unit) -> Result<(), DiffError> {
        let first = self.steps.len();
        self.forward(unit);
        let needs_undo = matches!(&self.steps[first..], [step] if step.undo.sql.is_empty());
        let among_every = self.made_with_every_column(unit);
        // what is added to a domain may need it to be exchanged
        let compares = unit.act == Act::Alter
            || !among_every.is_empty()
            || unit.act == Act::Drop && unit.root.kind == Kind::DomainConstraint;
        let before = (needs_undo && compares).then(|| self.state.clone());
        self.state.advance(unit, self.changes);
        if needs_undo {
            let undo = self.undo(unit, before.as_ref(), among_every)?;
            // a recipe that says its own undo has said it
            if let Some(step) = self.steps.last_mut().filter(|step| step.undo.sql.is_empty()) {
                step.undo = undo;
            }
        }
        Ok(())
    }

    fn forward(&mut self, unit: &Unit) {
        let Some(change) = self.changes.get(&unit.root) else { return };
        match unit.act {
            Act::Create => self.create(unit, change),
            Act::Drop => self.drop(unit, change),
            Act::Alter => self.alter(unit, change),
        }
    }

    fn push(&mut self, unit: &Unit, verb: Verb, summary: String, run: Action, undo: Action) {
        let object = unit.root.clone();
        self.steps.push(Step { phase: unit.phase, verb, object, summary, run, undo, batch: 0 });
    }

    fn create(&mut self, unit: &Unit, change: &Change) {
        let Some(object) = &change.object.after else { return };
        if !self.context.alone {
            match object {
                Object::Index(index) if self.existed(&index.relation()) => {
                    return self.create_index(unit, index);
                }
                Object::Constraint(constraint) if self.relation_existed(&unit.root) => {
                    if constraint.has_index() {
                        return self.create_key(unit, constraint);
                    }
                    return self.create_unproven(unit, constraint);
                }
                Object::DomainConstraint(constraint) if self.domain_existed(&unit.root) => {
                    return self.create_unproven_of_domain(unit, constraint);
                }
                _ => {}
            }
        }
        let verb = if change.how == How::Replace { Verb::Replace } else { Verb::Create };
        let sql = self.creation_of(unit);
        let summary = self.created(unit);
        let action = if slow_to_create(object) { Action::slow(sql) } else { Action::catalog(sql) };
        self.push(unit, verb, summary, action, Action::catalog(Vec::new()));
    }

    fn drop(&mut self, unit: &Unit, change: &Change) {
        let Some(object) = &change.object.before else { return };
        if let (Object::Index(index), false) = (object, self.context.alone)
            && self.stays(&index.relation())
            && self.drop_index(unit, index)
        {
            return;
        }
        let verb = if change.how == How::Replace { Verb::Replace } else { Verb::Drop };
        let summary = format!("drop {}", with_relation(&unit.root));
        let sql = object.drop(&unit.root).into_statements();
        self.push(unit, verb, summary, Action::catalog(sql), Action::catalog(Vec::new()));
    }

    fn alter(&mut self, unit: &Unit, change: &Change) {
        let summary = format!("alter {}", with_relation(&unit.root));
        let sql = match &change.how {
            How::InPlace(ddl) => {
                let counters = self.exchange_counters(unit, change, ddl);
                let mut sql = counters.unwrap_or_else(|| ddl.clone().into_statements());
                sql.extend(self.count_on(&unit.root));
                sql
            }
            How::Rebuild => self.rebuild(unit),
            _ => return,
        };
        let object = change.object.after.as_ref();
        let slow = matches!(object, Some(Object::Column(_) | Object::Domain(_) | Object::Table(_)))
            || change.how == How::Rebuild;
        let action = if slow { Action::slow(sql) } else { Action::catalog(sql) };
        self.push(unit, Verb::Alter, summary, action, Action::catalog(Vec::new()));
    }

    /// The way back of a unit whose single step has none yet. `before` is the state that what is altered
    /// started from.
    fn undo(
        &self,
        unit: &Unit,
        before: Option<&State<'_>>,
        among_every: Vec<Dependency>,
    ) -> Result<Action, DiffError> {
        let Some(change) = self.changes.get(&unit.root) else { return Ok(Action::catalog(Vec::new())) };
        match (&change.object.before, &change.object.after, before) {
            (_, _, Some(before)) if unit.act != Act::Alter => {
                let (mut from, to) = (self.state.catalog(), before.catalog());
                from.needs.extend(among_every);
                let catalogs = Pair::new(&from, &to);
                let changes = crate::diff::diff(catalogs)?;
                Ok(Action::slow(statements(catalogs, &changes, self.context)?))
            }
            (_, Some(object), _) if unit.act == Act::Create => {
                Ok(Action::catalog(object.drop(&unit.root).into_statements()))
            }
            (Some(_), _, _) if unit.act == Act::Drop => {
                let context = Context { alone: true, ..self.context.clone() };
                let members = self.catalogs.before.only(&unit.members.iter().cloned().collect());
                let mut sql = self.creation_within(&members, &context)?;
                sql.extend(self.count_on_again(&unit.root));
                Ok(Action::slow(sql))
            }
            (Some(old), Some(new), Some(before)) => {
                let back = match Object::alter(Pair::new(new, old), &unit.root) {
                    // what is added to a domain may need it to be exchanged
                    Alter::InPlace(ddl, None)
                        if change.how != How::Rebuild
                            && change.identity_flips().is_none()
                            && unit.root.kind != Kind::Domain =>
                    {
                        let mut sql = ddl.into_statements();
                        sql.extend(self.count_on_again(&unit.root));
                        return Ok(Action::slow(sql));
                    }
                    back => back,
                };
                let (from, to) = (self.state.catalog(), before.catalog());
                let forced = match (&change.how, back) {
                    // what was taken away in one transaction with others comes back in one: a label that is added in
                    // place could not be used before the end of it
                    (How::Rebuild, _) => {
                        let rebuilt = |id: &&ObjectId| {
                            self.changes.get(*id).is_some_and(|change| change.how == How::Rebuild)
                                && from.objects.get(*id) != to.objects.get(*id)
                        };
                        let types = unit.members.iter().filter(rebuilt);
                        types.map(|id| (id.clone(), How::Rebuild)).collect()
                    }
                    (_, Alter::InPlace(..) | Alter::Rebuild | Alter::Replace) => BTreeMap::new(),
                    // what PostgreSQL cannot turn back can still be made anew
                    (_, Alter::Refused(_)) => BTreeMap::from([(unit.root.clone(), How::Replace)]),
                };
                let catalogs = Pair::new(&from, &to);
                let changes = crate::diff::diff_forcing(catalogs, &forced)?;
                Ok(Action::slow(statements(catalogs, &changes, self.context)?))
            }
            _ => Ok(Action::catalog(Vec::new())),
        }
    }

    /// What will need a new column on the way back: it is to change later, and is then made again with every column
    /// that there is.
    fn made_with_every_column(&self, unit: &Unit) -> Vec<Dependency> {
        let table = match (unit.act, unit.root.kind) {
            (Act::Create, Kind::Column) => unit.root.relation(),
            _ => None,
        };
        let users = self.catalogs.before.needs.iter().filter(|need| {
            need.strength == Strength::EveryColumn
                && Some(&need.to) == table.as_ref()
                && self.changes.contains_key(&need.from)
                && self.state.is_as_before(&need.from)
        });
        users
            .map(|need| Dependency { to: unit.root.clone(), strength: Strength::Hard, ..need.clone() })
            .collect()
    }

    fn creation_within(&self, members: &Catalog, context: &Context) -> Result<Vec<Sql>, DiffError> {
        // what the database gives to new objects at this point is there, and known
        let before = self.state.of_kind(Kind::DefaultPrivileges);
        let mut after = members.clone();
        after.objects.extend(before.objects.clone());
        let catalogs = Pair::new(&before, &after);
        statements(catalogs, &crate::diff::diff(catalogs)?, context)
    }

    /// Whether the relation was there before the plan and is still the same one.
    fn existed(&self, relation: &ObjectId) -> bool {
        self.catalogs.before.objects.contains_key(relation) && self.stays(relation)
    }

    /// Whether the relation is neither dropped nor replaced by the plan.
    fn stays(&self, relation: &ObjectId) -> bool {
        !self
            .changes
            .get(relation)
            .is_some_and(|change| matches!(change.how, How::Drop | How::Replace | How::Create))
    }

    fn domain_existed(&self, constraint: &ObjectId) -> bool {
        self.existed(&ObjectId::new(Kind::Domain, [constraint.path.part(0), constraint.path.part(1)]))
    }

    fn relation_existed(&self, id: &ObjectId) -> bool {
        id.relation().is_some_and(|relation| self.existed(&relation))
    }
}

/// Whether creating it reads or writes as much data as there is.
fn slow_to_create(object: &Object) -> bool {
    match object {
        Object::Index(_)
        | Object::Constraint(_)
        | Object::DomainConstraint(_)
        | Object::MaterializedView(_)
        | Object::Attachment(_) => true,
        Object::Column(column) => column.generated.is_some() || column.identity.is_some(),
        _ => false,
    }
}

/// `column total of table public.orders` reads better than the bare id.
fn with_relation(id: &ObjectId) -> String {
    match id.relation() {
        Some(relation) => format!("{} {} of {}", id.kind.label(), id.sql(), relation.relation_sql()),
        None => id.to_string(),
    }
}
