//! Rows that would make a step fail, or its undo: each is looked for before anything is changed.
//!
//! A query counts some of them and gives an example. What it needs may not be there yet when it is asked (a column that
//! the same plan makes or renames): then the step itself finds out.

use std::collections::BTreeMap;

use super::{Context, Conversion, Fill, clash};
use crate::{
    catalog::Catalog,
    diff::{Change, Changes, How},
    kind::{
        Attachment, Column, Constraint, Index, Object, column::through_text, constraint::ConstraintType,
        sequence::SequenceOptions,
    },
    name::{Kind, ObjectId, Pair},
    sql::{self, Sql},
    step::{DataCheck, Phase, Step, Verb},
};

/// How many rows are counted at most.
pub const MOST: i64 = 1_000;

/// The checks for the steps of a plan: of what is there before it, and still there when the step runs. Then those for the
/// way back, which are of what the plan makes of it.
pub fn data_checks(
    catalogs: Pair<&Catalog>,
    changes: &Changes,
    context: &Context,
    steps: &[Step],
    now: Now,
) -> Vec<DataCheck> {
    let Context { fills, conversions, live_names, .. } = context;
    let as_named = BTreeMap::new();
    let Pair { before, after } = catalogs;
    // before expand, what is renamed has its old names; from then on its new ones
    let first = Looking { before, after, changes, fills, conversions, names: live_names };
    let there = Looking { before, after, changes, fills, conversions, names: &as_named };
    let inverse: Changes = changes.iter().map(|(id, change)| (id.clone(), inverse(change))).collect();
    let Pair { before: after, after: before } = catalogs;
    let back = Looking { before, after, changes: &inverse, fills, conversions, names: &as_named };
    let mut of_object: BTreeMap<&ObjectId, Vec<&Step>> = BTreeMap::new();
    for step in steps {
        of_object.entry(&step.object).or_default().push(step);
    }
    // what is filled is another value then, and what is converted has its own way back
    let asked = |id: &&ObjectId| !fills.contains_key(*id);
    let asked_back = |id: &&ObjectId| asked(id) && !conversions.contains_key(*id);
    let of = |looking: &Looking<'_>, id: &ObjectId, goes: Verb, is_back: bool| -> Vec<DataCheck> {
        let last = of_object.get(id).into_iter().flatten().rev().find(|step| step.verb != goes).copied();
        let last = last.or_else(|| rebuilding_step(id, changes, steps));
        let Some((step, change)) = last.zip(looking.changes.get(id)) else { return Vec::new() };
        let (phase, object) = (step.phase, &step.object);
        let by_old_names = !is_back && (now == Now::BeforeAll || phase == Phase::Expand);
        let asked = if by_old_names { &first } else { looking };
        let check =
            |question: Question| question.check(phase, is_back, by_old_names && first.differs(id), object);
        asked.queries(change).into_iter().map(check).collect()
    };
    let mut checks: Vec<DataCheck> =
        changes.keys().filter(asked).flat_map(|id| of(&there, id, Verb::Drop, false)).collect();
    // they are filled in expand
    let online = changes.values().filter(|change| there.is_converted_online(&change.id));
    checks.extend(online.flat_map(|change| {
        let queries = first.of_values(change);
        let check =
            |question: Question| question.check(Phase::Expand, false, first.differs(&change.id), &change.id);
        queries.into_iter().map(check)
    }));
    checks.extend(changes.keys().filter(asked_back).flat_map(|id| of(&back, id, Verb::Create, true)));
    checks
}

/// The step in which a type is rebuilt together with others, under the name of one of them.
pub(super) fn rebuilding_step<'s>(id: &ObjectId, changes: &Changes, steps: &'s [Step]) -> Option<&'s Step> {
    let is_rebuilt = |id: &ObjectId| {
        let is_type = matches!(id.kind, Kind::Enum | Kind::Domain | Kind::Composite | Kind::Range);
        is_type && changes.get(id).is_some_and(|change| change.how == How::Rebuild)
    };
    let mut last = steps.iter().rev().filter(|step| is_rebuilt(&step.object));
    if is_rebuilt(id) { last.next() } else { None }
}

/// The same change the other way.
fn inverse(change: &Change) -> Change {
    let Pair { before, after } = &change.object;
    let how = match &change.how {
        How::Create => How::Drop,
        How::Drop => How::Create,
        other => other.clone(),
    };
    Change { id: change.id.clone(), object: Pair::new(after.clone(), before.clone()), how }
}

/// When the questions are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Now {
    /// Each before its phase.
    BeforeEachPhase,
    /// All before the first one, when the plan is made.
    BeforeAll,
}

/// What live calls a table and its columns before a plan's renames, as SQL has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LiveName {
    /// The table's.
    pub table: String,
    /// The old and the new name of each; none where all keep theirs.
    pub columns: Vec<Pair<String>>,
}

/// A table that is asked.
pub(super) struct Asked {
    /// What it is called then.
    pub relation: String,
    /// What stands behind FROM, before an alias: its rows, with the columns as the question calls them.
    pub rows: String,
}

/// What is asked of the rows of a relation.
pub(super) struct Question {
    /// The relation, as SQL names it then.
    pub relation: String,
    /// What there must be none of.
    pub what: String,
    pub sql: Sql,
}

impl Question {
    fn check(self, phase: Phase, back: bool, by_old_names: bool, object: &ObjectId) -> DataCheck {
        let Self { relation, what, sql } = self;
        DataCheck { phase, back, by_old_names, object: object.clone(), relation, what, sql }
    }
}

pub(super) struct Looking<'a> {
    pub before: &'a Catalog,
    after: &'a Catalog,
    fills: &'a BTreeMap<ObjectId, Fill>,
    conversions: &'a BTreeMap<ObjectId, Conversion>,
    pub changes: &'a Changes,
    /// What tables are called when they are asked, where that is not what they are called here.
    names: &'a BTreeMap<String, LiveName>,
}

impl Looking<'_> {
    /// How a table is asked.
    fn asked(&self, table: &ObjectId) -> Asked {
        let name = table.sql();
        let Some(LiveName { table: relation, columns }) = self.names.get(&name) else {
            return Asked { rows: name.clone(), relation: name };
        };
        let relation = relation.clone();
        if columns.is_empty() {
            return Asked { rows: relation.clone(), relation };
        }
        let columns: Vec<String> =
            columns.iter().map(|Pair { before, after }| format!("{before} AS {after}")).collect();
        let rows = format!("(SELECT {}, tableoid, ctid FROM {relation})", columns.join(", "));
        Asked { relation, rows }
    }

    /// Whether what is asked for this object names something otherwise than the plan does.
    fn differs(&self, id: &ObjectId) -> bool {
        let mut tables = self.after.needs_of(id).map(|need| need.to.relation().unwrap_or(need.to.clone()));
        let own = [id.relation(), Some(ObjectId { kind: Kind::Table, path: id.path.clone() })];
        own.into_iter().flatten().any(|table| self.names.contains_key(&table.sql()))
            || tables.any(|table| self.names.contains_key(&table.sql()))
    }

    fn queries(&self, change: &Change) -> Vec<Question> {
        let id = &change.id;
        match (&change.object.before, &change.object.after) {
            (Some(Object::Column(before)), Some(Object::Column(after)))
                if matches!(change.how, How::InPlace(_)) || self.conversions.contains_key(id) =>
            {
                self.of_column(id, before, after)
            }
            (None, Some(Object::Column(after))) if change.how == How::Create => {
                self.of_valueless(id, after).into_iter().collect()
            }
            (Some(Object::Sequence(before)), Some(Object::Sequence(after)))
                if matches!(change.how, How::InPlace(_))
                    && after.options.maximum < before.options.maximum =>
            {
                vec![beyond(&id.sql(), &after.options)]
            }
            (before, Some(Object::Constraint(after))) => {
                let same = matches!(before, Some(Object::Constraint(before)) if before.definition == after.definition && before.validated);
                let asked = !same && self.means_the_same(id);
                if asked { self.of_constraint(id, after).into_iter().collect() } else { Vec::new() }
            }
            (before, Some(Object::Index(after))) if after.unique => {
                let same = matches!(before, Some(Object::Index(before)) if before.unique && before.body == after.body);
                let asked = !same && self.means_the_same(id);
                if asked { self.of_index(after).into_iter().collect() } else { Vec::new() }
            }
            (None, Some(Object::DomainConstraint(after))) if self.means_the_same(id) => {
                self.of_domain(id, &after.condition)
            }
            (before, Some(Object::Attachment(after))) if before.as_ref() != change.object.after.as_ref() => {
                self.of_attachment(id, after)
            }
            _ => self.of_type_change(change),
        }
    }

    /// Whether an object would say the same of the rows now: what it needs is what it will be, with the types of its
    /// columns and what they need, and the plan writes none of their values.
    fn means_the_same(&self, id: &ObjectId) -> bool {
        let same = |id: &ObjectId| match self
            .changes
            .get(id)
            .map(|change| (&change.object.before, &change.object.after))
        {
            _ if self.fills.contains_key(id) => false,
            None => true,
            Some((Some(Object::Column(before)), Some(Object::Column(after)))) => {
                before.data_type == after.data_type && before.collation == after.collation
            }
            Some((before, _)) => match id.kind {
                Kind::Table => before.is_some(),
                Kind::Constraint | Kind::Index | Kind::Schema => true,
                _ => false,
            },
        };
        self.after.needs_of(id).all(|need| {
            same(&need.to)
                && (need.to.kind != Kind::Column || self.after.needs_of(&need.to).all(|need| same(&need.to)))
        })
    }

    /// A table that has rows which nobody is going to drop.
    pub(super) fn has_rows(&self, table: &ObjectId) -> bool {
        let goes =
            self.changes.get(table).is_some_and(|change| matches!(change.how, How::Drop | How::Replace));
        self.before.objects.contains_key(table) && !goes
    }

    /// Any row, where a column comes that refuses NULL and of which no value is known.
    fn of_valueless(&self, id: &ObjectId, column: &Column) -> Option<Question> {
        let table = id.relation().filter(|table| self.has_rows(table))?;
        let default = ObjectId { kind: Kind::Default, path: id.path.clone() };
        let computed = column.identity.is_some() || column.generated.is_some() || column.facts.foreign;
        let has_value = computed || self.after.objects.contains_key(&default);
        if has_value || !column.has_no_null() || !column.lineage.parents.is_empty() {
            return None;
        }
        let what =
            format!("rows without a value for {} in {table}, which is NOT NULL and has no default", id.sql());
        Some(self.query(&table, what, "true"))
    }

    fn of_column(&self, id: &ObjectId, before: &Column, after: &Column) -> Vec<Question> {
        let Some(table) = id.relation().filter(|table| self.has_rows(table)) else { return Vec::new() };
        // partitions and inheritors are looked at with the whole
        if !after.lineage.parents.is_empty() {
            return Vec::new();
        }
        let mut found = Vec::new();
        let column = id.sql();
        let refuses = after.has_no_null();
        if refuses && !before.not_null {
            let what = format!("NULL in {column} of {table}");
            let value = self.becomes(id);
            let alias = sql::ident(table.path.last());
            found.push(self.query_as(&table, what, &alias, &format!("({value}) IS NULL")));
        }
        if let (Some(old), Some(new)) = (&before.identity, &after.identity)
            && new.options.maximum < old.options.maximum
        {
            found.push(beyond(&sql::qualified(&old.sequence), &new.options));
        }
        if !self.is_converted_online(id) {
            found.extend(self.of_new_type(id, &table, before, after));
        }
        found
    }

    /// What the values of a changed column have to become.
    fn of_values(&self, change: &Change) -> Vec<Question> {
        match (&change.object.before, &change.object.after, change.id.relation()) {
            (Some(Object::Column(before)), Some(Object::Column(after)), Some(table))
                if self.has_rows(&table) && after.lineage.parents.is_empty() =>
            {
                self.of_new_type(&change.id, &table, before, after)
            }
            _ => Vec::new(),
        }
    }

    fn of_new_type(&self, id: &ObjectId, table: &ObjectId, before: &Column, after: &Column) -> Vec<Question> {
        let mut found = Vec::new();
        let column = id.sql();
        if let Some(length) = after.facts.length
            && after.data_type != before.data_type
            && after.generated.is_none()
        {
            let what = format!("more than {length} characters in {column} of {table}");
            let value = self.becomes(id);
            let long = format!("pg_catalog.length(pg_catalog.rtrim(({value})::pg_catalog.text)) > {length}");
            found.push(self.query_as(table, what, &sql::ident(table.path.last()), &long));
        }
        found.extend(self.of_type(id, table, before, after));
        found
    }

    /// The value that is assigned to the column in its new form.
    fn becomes(&self, column: &ObjectId) -> String {
        let conversion = self.conversions.get(column);
        conversion.map_or_else(|| column.sql(), |conversion| conversion.value.after.assigned.clone())
    }

    fn is_converted_online(&self, id: &ObjectId) -> bool {
        self.conversions.get(id).is_some_and(|conversion| conversion.online)
    }

    /// Values that do not become values of another type: PostgreSQL says so when they are asked for.
    fn of_type(&self, id: &ObjectId, table: &ObjectId, before: &Column, after: &Column) -> Option<Question> {
        let column = id.sql();
        let value = match self.conversions.get(id) {
            Some(conversion) => conversion.value.after.cast.clone(),
            None if before.base_type == after.base_type
                || after.generated.is_some()
                || after.facts.foreign =>
            {
                return None;
            }
            None => {
                let through = through_text(&before.facts.plain_type, &after.facts.plain_type);
                format!("{column}{through}::{}", after.data_type)
            }
        };
        let what = format!("values that do not become {} in {column} of {table}", after.data_type);
        // of each row the value is computed, and where there is one, nothing is said of it
        let wrong = if after.not_null && before.not_null {
            format!("({value}) IS NULL")
        } else {
            format!("(({value}) IS NULL) IS NULL")
        };
        let alias = sql::ident(table.path.last());
        Some(self.query_as(table, what, &alias, &wrong))
    }

    /// Rows that a partition does not take, or that are in the default one and belong there.
    fn of_attachment(&self, id: &ObjectId, attachment: &Attachment) -> Vec<Question> {
        let Some(condition) = attachment.implied.condition() else { return Vec::new() };
        let table = ObjectId { kind: Kind::Table, path: id.path.clone() };
        let mut found = Vec::new();
        if self.has_rows(&table) && self.means_the_same(id) {
            let what = format!("rows of {table} that {} does not take", attachment.bound);
            found.push(self.query(&table, what, &format!("({condition}) IS FALSE")));
        }
        let default = self.before.default_partition(&attachment.parent).filter(|it| {
            let attachment = ObjectId { kind: Kind::Attachment, path: it.path.clone() };
            self.has_rows(it) && !self.changes.contains_key(&attachment) && self.means_the_same(&attachment)
        });
        if let Some(default) = default {
            let what = format!("rows of {default} that belong in {table}");
            found.push(self.query(&default, what, &format!("({condition}) IS TRUE")));
        }
        found
    }

    fn of_constraint(&self, id: &ObjectId, constraint: &Constraint) -> Option<Question> {
        let table = id.relation().filter(|table| self.has_rows(table))?;
        if !constraint.validated || !constraint.lineage.parents.is_empty() {
            return None;
        }
        if !constraint.facts.enforced {
            return None;
        }
        match constraint.contype {
            ConstraintType::Check => {
                let violated = format!("({}) IS FALSE", constraint.facts.condition.as_ref()?);
                let what = format!("rows of {table} that {} refuses", id.sql());
                Some(self.query(&table, what, &violated))
            }
            ConstraintType::ForeignKey if !constraint.facts.temporal => {
                let columns: Vec<String> = constraint.columns.iter().map(|name| sql::ident(name)).collect();
                let references = ObjectId::new(Kind::Table, constraint.references.clone()?);
                let shown = references.sql();
                let references = self.asked(&references).rows;
                let pairs: Vec<String> = columns
                    .iter()
                    .zip(&constraint.facts.referenced_columns)
                    .map(|(own, other)| format!("referenced.{} = referring.{own}", sql::ident(other)))
                    .collect();
                let given: Vec<String> =
                    columns.iter().map(|own| format!("referring.{own} IS NOT NULL")).collect();
                let violated = format!(
                    "{} AND NOT EXISTS (SELECT FROM {references} AS referenced WHERE {})",
                    given.join(" AND "),
                    pairs.join(" AND ")
                );
                let what = format!("rows of {table} that refer to none of {shown}");
                Some(self.query(&table, what, &violated))
            }
            ConstraintType::PrimaryKey | ConstraintType::Unique | ConstraintType::Exclusion => {
                clash::of_key(&table, &self.asked(&table), constraint)
            }
            ConstraintType::ForeignKey => None,
        }
    }

    fn of_index(&self, index: &Index) -> Option<Question> {
        let table = index.relation();
        if index.on_materialized_view || !self.has_rows(&table) {
            return None;
        }
        clash::of_index(&table, &self.asked(&table), index)
    }

    /// Counts rows, and names one.
    pub(super) fn query(&self, table: &ObjectId, what: String, condition: &str) -> Question {
        self.query_as(table, what, "referring", condition)
    }

    /// The same where the condition calls the table so.
    fn query_as(&self, table: &ObjectId, what: String, alias: &str, condition: &str) -> Question {
        let key = self.before.parts(Kind::Constraint, table).find_map(|(_, object)| match object {
            Object::Constraint(key) if key.contype == ConstraintType::PrimaryKey => Some(&key.columns),
            _ => None,
        });
        let example = match key {
            Some(columns) => {
                let each = columns.iter().map(|name| {
                    format!(
                        "{} || {alias}.{}::pg_catalog.text",
                        sql::literal(&format!("{name} = ")),
                        sql::ident(name)
                    )
                });
                format!("pg_catalog.concat_ws(', ', {})", each.collect::<Vec<_>>().join(", "))
            }
            None => format!("'ctid = ' || {alias}.ctid::pg_catalog.text"),
        };
        let Asked { relation, rows } = self.asked(table);
        let sql = counted(&format!("SELECT {example} FROM {rows} AS {alias} WHERE {condition}"));
        Question { relation, what, sql }
    }
}

/// A sequence that stands where it may not be any more. (One below its lowest value is taken along.)
fn beyond(sequence: &str, options: &SequenceOptions) -> Question {
    let what = format!("values of sequence {sequence} beyond MAXVALUE {}", options.maximum);
    let example = "'last_value = ' || last_value::pg_catalog.text";
    let sql = counted(&format!("SELECT {example} FROM {sequence} WHERE last_value > {}", options.maximum));
    Question { relation: sequence.to_owned(), what, sql }
}

pub(super) fn counted(query: &str) -> Sql {
    Sql::new(format!(
        "SELECT count(*), (pg_catalog.array_agg(example))[1] FROM ({query} LIMIT {MOST}) AS found (example)"
    ))
}
