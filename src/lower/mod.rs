//! Changes in, steps out: by which statements, in which phase and batch, and how each is undone.
//!
//! Pure. The order comes from `graph`; what is said of one object comes from its kind; what is particular to a
//! table that others use meanwhile (CONCURRENTLY, NOT VALID then VALIDATE) comes from the recipes here, one file
//! each. Every step carries its inverse, so undoing steps in reverse order is the rollback.

mod backfill;
mod batch;
mod by_leaf;
mod clash;
mod computed;
mod convert;
mod counter;
mod create;
mod data_check;
mod draft;
mod empty;
mod index;
mod index_tree;
mod key;
mod loss_count;
mod lossless;
mod materialized_view;
mod merge;
mod not_null;
mod partition;
mod pass;
mod phase;
mod place;
mod prebuilt;
mod promise;
mod rebuild;
mod regrant;
mod rename;
mod rename_table;
mod replica_identity;
mod retype;
mod schedule;
mod state;
mod stored;
mod type_check;
mod type_name;
mod undo;
mod unproven;
mod whole;

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    catalog::{Catalog, Dependency, Fingerprint},
    diff::{Change, Changes, DiffError, How},
    graph::{self, Act, Unit},
    kind::{Column, Ddl, Object, TableDdl, constraint::ConstraintType},
    name::{Kind, ObjectId, Pair},
    sql::Sql,
    step::{Action, Phase, Step, Verb, With},
};

pub(crate) use backfill::gives_its_trigger;
pub use backfill::{BATCH, Fill, Meanwhile};
pub use computed::is_computed;
pub use convert::{Conversion, Twins, Value};
pub use data_check::{LiveName, MOST, Now, data_checks};
use draft::{Draft, Needs, Undo};
pub use loss_count::loss_counts;
pub use lossless::{lost, lost_of_composite};
pub use partition::is_guard;
pub use phase::may_go_in_expand;
pub use rename::{Renaming, Twin};
pub use rename_table::TableRenaming;
pub use state::State;
pub use type_name::Types;
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
    /// What the rows that are there get in columns that come, or that are to refuse NULL.
    pub fills: BTreeMap<ObjectId, Fill>,
    /// Columns that come with another value for every row, in tables that have none.
    pub of_empty: BTreeSet<ObjectId>,
    /// What live calls tables that the plan renames, or whose columns it renames, by their new names as SQL has them.
    pub live_names: BTreeMap<String, LiveName>,
    /// Columns that get their names while code uses the old ones, too. The first catalog has the new ones.
    pub renamings: BTreeMap<ObjectId, Renaming>,
    /// Tables that do.
    pub table_renamings: BTreeMap<ObjectId, TableRenaming>,
    /// Columns whose type changes by what is said of their values.
    pub conversions: BTreeMap<ObjectId, Conversion>,
    /// What is over those of them that are converted online.
    pub twins: Twins,
    /// Whether nothing is computed out of rows: materialized views stay empty, whose queries could need what the
    /// bodies of functions mention and nobody knows of.
    pub rowless: bool,
}

/// The steps that lead from one catalog to the other, in order and in batches.
pub fn lower(catalogs: Pair<&Catalog>, changes: &Changes, context: &Context) -> Result<Vec<Step>, DiffError> {
    let converted = context.conversions.iter().filter(|(_, conversion)| conversion.online);
    let renamed = context.renamings.keys().chain(context.table_renamings.keys());
    let beside = renamed.chain(converted.map(|(id, _)| id)).cloned().collect();
    let later = rename::later(catalogs, changes, &beside);
    let earliest = |change: &Change, act| {
        let filled = backfill::is_key_of_filled(change, &context.fills)
            || backfill::is_about_late_sequence(&change.id, catalogs.after, &context.fills);
        let waits = later.contains(&change.id) || filled;
        if waits { Phase::Contract } else { phase::earliest(change, act) }
    };
    let units = graph::order(catalogs, changes, &earliest, &backfill::in_order(&context.fills))?;
    let mut lowering = Lowering::new(catalogs, changes, context);
    for (table, renaming) in &context.table_renamings {
        lowering.rename_table_online(table, renaming);
    }
    let renamings: Vec<(usize, &ObjectId, &Renaming)> = context
        .renamings
        .iter()
        .enumerate()
        .map(|(at, (column, renaming))| (schedule::apart(&units, at), column, renaming))
        .collect();
    for of_table in renamings.chunk_by(|(_, one, _), (_, other, _)| one.relation() == other.relation()) {
        lowering.rename_online(of_table);
    }
    // behind those, since what is converted may be computed from what is renamed
    let conversions = Some(schedule::apart(&units, context.renamings.len()));
    lowering.current = conversions;
    let comes = units.iter().filter(|unit| unit.act == Act::Create);
    let with_default = comes.filter(|unit| unit.members.iter().any(|id| id.kind == Kind::Default));
    lowering.with_default = with_default.map(|unit| unit.root.clone()).collect();
    lowering.prepare_conversions();
    for (place, unit) in units.iter().enumerate() {
        lowering.current = Some(place);
        lowering.unit(unit)?;
    }
    lowering.current = conversions;
    lowering.finish_conversions();
    let mut steps = lowering.steps;
    steps.retain(|step| !step.is_idle());
    let steps = place::in_place(steps, &units, changes, &beside);
    Ok(batch::number(
        schedule::schedule(steps, &units, context.renamings.len(), changes, catalogs.before)?,
        catalogs,
        changes,
    ))
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
fn plainly(catalogs: Pair<&Catalog>, changes: &Changes, context: &Context) -> Result<Vec<Draft>, DiffError> {
    let context = Context { alone: true, ..context.clone() };
    let units = graph::order(catalogs, changes, &|_, _| Phase::Expand, &[])?;
    let mut lowering = Lowering::new(catalogs, changes, &context);
    for unit in &units {
        lowering.forward(unit);
        lowering.state.advance(unit, changes);
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
    steps: Vec<Draft>,
    /// What came when the one that it takes the place of went.
    done: BTreeSet<ObjectId>,
    /// Columns that come together with their defaults.
    with_default: BTreeSet<ObjectId>,
    /// Indexes and keys that are built beside the ones that are there, and what those are on the way back.
    prebuilt: Twins,
    /// What went by a recipe that lets it come back at once: partitions that move, trees of indexes.
    returning: BTreeSet<ObjectId>,
    /// Materialized views that are built, with their indexes, before they take their places.
    prebuilt_views: BTreeSet<ObjectId>,
    /// The place in the row of the unit that is lowered.
    current: Option<usize>,
    neighbours: graph::Neighbours<'a>,
    /// For each table before the plan its children and partitions.
    below: BTreeMap<&'a [String], Vec<ObjectId>>,
    /// The partitions before the plan of which an index of the parent has no part, with that index.
    left_out: Vec<(&'a ObjectId, ObjectId)>,
    /// What foreign keys use that come anew: they would take whichever of two there were.
    referred_to_anew: BTreeSet<ObjectId>,
    /// Names of relations that are free once what has them now is gone.
    freed: BTreeSet<String>,
}

impl<'a> Lowering<'a> {
    fn new(catalogs: Pair<&'a Catalog>, changes: &'a Changes, context: &'a Context) -> Self {
        let state = State::new(catalogs);
        let goes = |change: &&Change| graph::acts(change).contains(&Act::Drop);
        let names = changes.values().filter(goes).filter_map(|change| {
            let object = change.object.before.as_ref()?;
            Some(graph::names(&change.id, object).into_iter().filter(|(space, _)| *space == "relation"))
        });
        let anew = changes.values().filter(|it| it.id.kind == Kind::Constraint && it.how == How::Replace);
        let referred_to_anew =
            anew.flat_map(|it| catalogs.before.needs_of(&it.id)).map(|need| need.to.clone()).collect();
        let freed =
            if context.alone { BTreeSet::new() } else { names.flatten().map(|(_, name)| name).collect() };
        Self {
            catalogs,
            changes,
            context,
            state,
            steps: Vec::new(),
            done: BTreeSet::new(),
            with_default: BTreeSet::new(),
            returning: BTreeSet::new(),
            prebuilt_views: BTreeSet::new(),
            current: None,
            referred_to_anew,
            freed,
            below: catalogs.before.children(),
            left_out: catalogs.before.left_out(),
            neighbours: if context.alone {
                graph::Neighbours::default()
            } else {
                graph::Neighbours::new(catalogs)
            },
            prebuilt: if context.alone { Twins::new() } else { context.twins.clone() },
        }
    }
}

impl Lowering<'_> {
    /// The steps of one unit, with their undo.
    fn unit(&mut self, unit: &Unit) -> Result<(), DiffError> {
        let first = self.steps.len();
        if unit.act == Act::Drop && self.is_converted(&unit.root) {
            self.exchange_types(unit)?;
        } else {
            self.forward(unit);
        }
        let derived = self
            .steps
            .iter()
            .skip(first)
            .position(|it| matches!(it.undo, Undo::Derived))
            .map(|at| first + at);
        let among_every = self.made_with_every_column(unit);
        // what is added to a domain may need it to be exchanged
        let compares = unit.act == Act::Alter
            || !among_every.is_empty()
            || unit.act == Act::Drop && (unit.root.kind == Kind::DomainConstraint || self.leaves_out(unit));
        let before = (derived.is_some() && compares).then(|| self.state.of(&unit.members));
        self.state.advance(unit, self.changes);
        if let Some(at) = derived {
            let undo = self.undo(unit, before.as_ref(), among_every)?;
            self.steps[at].undo = undo.into();
            self.steps[at].alters = self.one_alter_table(unit, &self.steps[at]);
            self.detach_proven(unit, at);
        }
        self.attach(unit, first);
        self.promise(unit, first);
        Ok(())
    }

    fn forward(&mut self, unit: &Unit) {
        let Some(change) = self.changes.get(&unit.root) else { return };
        if matches!(change.how, How::Implied(..)) {
            return;
        }
        match unit.act {
            Act::Create => self.create(unit, change),
            Act::Drop => self.drop(unit, change),
            Act::Alter => self.alter(unit, change),
        }
    }

    fn push(&mut self, unit: &Unit, verb: Verb, summary: String, run: Action, undo: impl Into<Undo>) {
        self.push_about(&unit.root, unit, verb, summary, run, undo);
    }

    /// A step about another object than the unit's.
    fn push_about(
        &mut self,
        object: &ObjectId,
        unit: &Unit,
        verb: Verb,
        summary: String,
        run: Action,
        undo: impl Into<Undo>,
    ) {
        let draft = Draft::new(unit.phase, verb, object.clone(), summary, run, undo.into());
        self.steps.push(Draft { unit: self.current, ..draft });
    }

    /// Whether another relation has this name until it goes.
    fn is_freed(&self, schema: &str, name: &str) -> bool {
        self.freed.contains(&format!("{schema}\0{name}"))
    }

    /// What prepares for an object, and waits for nothing but what that needs in this catalog.
    fn preparing(&mut self, catalog: &Catalog, of: &ObjectId, prepare: impl FnOnce(&mut Self)) {
        let first = self.steps.len();
        prepare(self);
        let needs = Needs::of(catalog, of, self.changes);
        for draft in self.steps.iter_mut().skip(first) {
            draft.needs = needs.clone();
        }
    }

    /// The last draft may run at any time after those of its own unit.
    pub(super) fn needs_nothing(&mut self) {
        if let Some(draft) = self.steps.last_mut() {
            draft.needs = Needs::nothing();
        }
    }

    /// What only the way back does: so that another step can be undone without a scan under a strong lock.
    fn push_back(
        &mut self,
        unit: &Unit,
        verb: Verb,
        object: &ObjectId,
        what: &str,
        undo: Action,
        with: With,
    ) {
        let summary = format!("on the way back, {what}");
        self.push_about(object, unit, verb, summary, Action::nothing(), undo);
        if let Some(step) = self.steps.last_mut() {
            step.with = Some(with);
        }
    }

    fn create(&mut self, unit: &Unit, change: &Change) {
        let Some(object) = &change.object.after else { return };
        if self.done.contains(&unit.root) || self.is_converted(&unit.root) || self.adopt_prebuilt(unit) {
            return;
        }
        if !self.context.alone && !self.is_replaced_tree(change) {
            match object {
                Object::Index(index) if self.existed(&index.relation()) => {
                    return self.create_index(unit, index);
                }
                Object::Index(index) if self.adopt_index_of_view(unit, index) => return,
                Object::MaterializedView(view) if self.create_replaced_view(unit, view) => return,
                Object::Constraint(constraint) if self.relation_existed(&unit.root) => {
                    if constraint.has_index() {
                        return self.create_key(unit, constraint);
                    }
                    return self.create_unproven(unit, constraint);
                }
                Object::Column(column) => {
                    if let Some(fill) = self.fill_of(&unit.root) {
                        return self.create_filled(unit, column, fill);
                    }
                }
                Object::DomainConstraint(constraint) if self.domain_existed(&unit.root) => {
                    return self.create_unproven_of_domain(unit, constraint);
                }
                Object::Attachment(attachment) if self.attach_proven(unit, change, attachment) => return,
                _ => {}
            }
        }
        let verb = if change.how == How::Replace { Verb::Replace } else { Verb::Create };
        let mut sql = self.creation_of(unit);
        let summary = self.created(unit);
        if !self.context.alone && self.context.of_empty.contains(&unit.root) {
            sql.splice(..0, empty::proof(&unit.root));
        }
        if self.is_replaced_tree(change) {
            let undo = Action::catalog(self.drop_again(&unit.root, object));
            return self.push(unit, verb, summary, Action::catalog(sql), undo);
        }
        let action = match object {
            Object::Column(column) if column.identity.is_some() => Action::bulk(sql),
            Object::Column(column) if column.generated.is_some() => Action::rewrite(sql),
            Object::Column(column) if computes(unit, column) => Action::add_column(sql),
            _ if slow_to_create(object) => Action::bulk(sql),
            _ => Action::catalog(sql),
        };
        self.push(unit, verb, summary, action, Undo::Derived);
    }

    fn drop(&mut self, unit: &Unit, change: &Change) {
        let Some(object) = &change.object.before else { return };
        let object = &replica_identity::without_identity(self.changes, &unit.root, object);
        if let Object::Constraint(constraint) = object
            && constraint.comes_with_table()
            && constraint.lineage.in_parents(&unit.root).any(|parent| self.is_gone(&parent))
        {
            return;
        }
        let done = match object {
            _ if self.context.alone => false,
            _ if self.drop_prebuilt(unit) || self.drop_tree(unit, change) => true,
            Object::Attachment(old) => self.detach_to_move(unit, change, old),
            Object::Table(_) => change.how == How::Drop && self.drop_detached(unit, object),
            Object::MaterializedView(view) => self.drop_replaced_view(unit, view),
            Object::Index(index) => self.existed(&index.relation()) && self.drop_index(unit, index),
            Object::Constraint(constraint) if self.relation_existed(&unit.root) => {
                if constraint.has_index() {
                    self.drop_key(unit, constraint)
                } else {
                    self.drop_proven(unit, constraint)
                }
            }
            _ => false,
        };
        if done {
            return;
        }
        let verb = if change.how == How::Replace { Verb::Replace } else { Verb::Drop };
        let summary = format!("drop {}", with_relation(&unit.root));
        let mut sql = object.drop(&unit.root).into_statements();
        sql.extend(self.grant_again(&unit.root, Some(object), None));
        self.push(unit, verb, summary, Action::catalog(sql), Undo::Derived);
    }

    fn alter(&mut self, unit: &Unit, change: &Change) {
        if let Some((proof, rest)) = self.proof(unit, change) {
            return match self.fill_of(&unit.root) {
                Some(fill) => self.fill_and_refuse_null(unit, &proof, rest, fill),
                None => self.refuse_null(unit, &proof, rest, Undo::Derived),
            };
        }
        if self.accept_null(unit, change) {
            return;
        }
        let summary = format!("alter {}", with_relation(&unit.root));
        let sql = match &change.how {
            How::InPlace(ddl) => self.in_place(unit, change, ddl),
            How::Rebuild => self.rebuild(unit),
            _ => return,
        };
        let object = change.object.after.as_ref();
        let slow = matches!(object, Some(Object::Domain(_) | Object::Table(_))) || change.how == How::Rebuild;
        let action = match object {
            _ if slow => Action::bulk(sql),
            // a sequence that comes or goes is made by who applies
            Some(Object::Column(_)) if change.identity_flips().is_some() => Action::bulk(sql),
            Some(Object::Column(_)) => Action::rewrite(sql),
            _ => Action::catalog(sql),
        };
        self.push(unit, Verb::Alter, summary, action, Undo::Derived);
    }

    /// The statements of a change in place, with what a sequence needs to count on.
    fn in_place(&self, unit: &Unit, change: &Change, ddl: &Ddl) -> Vec<Sql> {
        let ddl = match &change.object.after {
            Some(Object::Column(column)) => &self.with_using(&unit.root, &column.data_type, ddl.clone()),
            _ => ddl,
        };
        let counters = self.exchange_counters(unit, change, ddl);
        let mut sql = counters.unwrap_or_else(|| ddl.clone().into_statements());
        sql.extend(self.count_on(&unit.root));
        let Pair { before, after } = &change.object;
        sql.extend(self.grant_again(&unit.root, before.as_ref(), after.as_ref()));
        if let (Some(Object::Column(old)), Some(Object::Column(new))) = (before, after)
            && old.data_type != new.data_type
        {
            sql.extend(self.uncomment_parts(&unit.root));
        }
        if let (Some(Object::Column(old)), Some(Object::Column(new))) = (before, after) {
            sql = self.keep_refusing_below(&unit.root, Pair::new(old, new), sql);
        }
        sql
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

    /// Whether all that an index or a key of the table needs is already as it will be: also the types of its columns.
    fn has_what_it_needs(&self, id: &ObjectId, table: &ObjectId) -> bool {
        let catalog = self.catalogs.after;
        // a primary key would read the table to refuse NULL
        let primary = matches!(catalog.objects.get(id), Some(Object::Constraint(key)) if key.contype == ConstraintType::PrimaryKey);
        let settled = |need: &Dependency| {
            let same = |change: &Change| !primary && change.keeps_values();
            need.to == *table || self.is_settled(&need.to) || self.changes.get(&need.to).is_some_and(same)
        };
        catalog.needs_of(id).all(|need| {
            settled(need) && (need.to.kind != Kind::Column || catalog.needs_of(&need.to).all(settled))
        })
    }

    /// Whether the object has been dropped by now.
    fn is_gone(&self, id: &ObjectId) -> bool {
        self.catalogs.before.objects.contains_key(id) && !self.state.has(id)
    }

    /// Whether the object is already as it will be.
    fn is_settled(&self, id: &ObjectId) -> bool {
        !self.changes.contains_key(id) || self.state.has(id) && !self.state.is_as_before(id)
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
    matches!(
        object,
        Object::Index(_)
            | Object::Constraint(_)
            | Object::DomainConstraint(_)
            | Object::MaterializedView(_)
            | Object::Attachment(_)
    )
}

/// Whether something is computed for a column that comes: a default, or what a domain asks of it.
fn computes(unit: &Unit, column: &Column) -> bool {
    unit.members.iter().any(|id| id.kind == Kind::Default) || column.data_type != column.base_type
}

/// `column total of table public.orders` reads better than the bare id.
fn with_relation(id: &ObjectId) -> String {
    match id.relation() {
        Some(relation) => format!("{} {} of {}", id.kind.label(), id.sql(), relation.relation_sql()),
        None => id.to_string(),
    }
}

/// ALTER TABLE of the relation that it is part of.
fn alter_table(id: &ObjectId, clauses: Vec<String>) -> Vec<Sql> {
    let table = id.relation_sql();
    TableDdl { table, clauses, ..TableDdl::default() }.into_statement().into_iter().collect()
}

/// Whether the index is a partition's, and part of the whole's.
fn is_attached(catalog: &Catalog, schema: &str, index: &str) -> bool {
    catalog.objects.contains_key(&ObjectId::new(Kind::IndexAttachment, [schema, index]))
}

/// A name for what is there for a while only: the same one each time.
pub fn temporary_name(what: &str, of: &ObjectId) -> String {
    let digest = Fingerprint::of(of.to_string());
    format!("trueup_{what}_{}", &digest.as_str()[..8])
}
