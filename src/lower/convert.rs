//! Columns whose type changes while code uses them: `@convert`.
//!
//! In expand a column of the new type comes beside, kept up by a trigger and filled in batches. In contract the same
//! indexes and keys are built on it, and one transaction puts it in the old one's place, with all that hangs on it. The
//! way back is the same with the two types exchanged. Where no row has to be written anew, or where it is asked for, the
//! type is altered in one go instead, with what `@convert` says behind USING.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    BATCH, Context, Fill, Lowering, Meanwhile, alter_table,
    backfill::{column_of, key_in},
    counter::{step_aside, take_position},
    draft::{Draft, Undo},
    pass::Pass,
    place::Place,
    prebuilt::Prebuilt,
    temporary_name,
    unproven::validate,
    with_relation,
};
use crate::{
    catalog::Catalog,
    diff::{Change, DiffError, How},
    graph::Unit,
    kind::{Alter, Column, Constraint, Ddl, Definition, Object, column::ColumnSettings},
    name::{Kind, ObjectId, Pair},
    sql::{self, Sql},
    step::{Action, Phase, Verb, With},
};

/// What `@convert` says of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversion {
    /// The type that the column has and the one that it gets.
    pub types: Pair<String>,
    /// The value of the old type out of a row as it will be, and the one of the new type out of a row as it is.
    pub value: Pair<Value>,
    /// Whether both types are there for a while.
    pub online: bool,
}

/// An expression over a row, every name of which is qualified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    /// The expression, cast to exactly the column's type: to compare with.
    pub cast: String,
    /// The expression as it is assigned to the column: a value that does not fit is refused, where a cast would cut it.
    pub assigned: String,
    /// Settings that it hangs on (`TimeZone`), with what they are where the plan is applied; none where it is always the
    /// same.
    pub settings: Vec<(&'static str, String)>,
}

impl Conversion {
    /// What the column beside is called: the one of the old type on the way back, and the one of the new type.
    pub fn beside(column: &ObjectId) -> Pair<String> {
        Pair::new(temporary_name("back", column), temporary_name("convert", column))
    }
}

/// The indexes and keys over converted columns: as live has them over the columns that come beside on the way back, and as
/// they are to be over those that come beside in expand.
pub type Twins = BTreeMap<ObjectId, Pair<Object>>;

/// One of the two columns that a converted column is for a while.
struct Side<'a> {
    /// What it is called beside the other one.
    beside: ObjectId,
    /// What it is in the end.
    column: &'a Column,
    /// How it is computed out of the other one.
    value: &'a Value,
    default: Option<String>,
    /// `convert` or `back`: for the names of what is there for a while.
    what: &'static str,
    /// The table and those that have triggers of their own.
    tables: Vec<ObjectId>,
}

impl Side<'_> {
    fn function(&self, id: &ObjectId) -> String {
        let name = temporary_name(self.what, id);
        sql::qualified(&["trueup", name.strip_prefix("trueup_").unwrap_or(&name)])
    }

    /// Last by name: it sees what other triggers made of the row.
    fn trigger(&self, id: &ObjectId) -> String {
        sql::ident(&format!("~{}", temporary_name(self.what, id)))
    }

    fn alter(&self, clause: String) -> Vec<Sql> {
        alter_table(&self.beside, vec![clause])
    }

    /// The column as it comes: without anything that is said of it later.
    fn bare(&self) -> Column {
        Column {
            not_null: false,
            not_null_as: None,
            identity: None,
            settings: ColumnSettings::default(),
            ..self.column.clone()
        }
    }

    fn add(&self) -> Vec<Sql> {
        self.alter(format!("ADD COLUMN {}", self.bare().element(&self.beside, None)))
    }

    /// Keeps it up with what is written into the other one.
    fn keep_up(&self, id: &ObjectId) -> Vec<Sql> {
        let (function, trigger) = (self.function(id), self.trigger(id));
        let body = format!(
            "#variable_conflict use_column\nBEGIN\n    \
             SELECT {} INTO NEW.{} FROM (SELECT NEW.*) AS {};\n    RETURN NEW;\nEND",
            self.value.assigned,
            self.beside.sql(),
            sql::ident(id.path.part(1))
        );
        let settings = self.value.settings.iter();
        let settings: String =
            settings.map(|(name, value)| format!(" SET {name} TO {}", sql::literal(value))).collect();
        let mut all = vec![Sql::new(format!(
            "CREATE FUNCTION {function}() RETURNS pg_catalog.trigger LANGUAGE plpgsql{settings} AS {}",
            sql::dollar_quoted(&body)
        ))];
        for table in self.tables.iter().map(ObjectId::sql) {
            all.push(Sql::new(format!(
                "CREATE TRIGGER {trigger} BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION {function}()"
            )));
            // what replication applies is kept up, too
            all.push(Sql::new(format!("ALTER TABLE {table} ENABLE ALWAYS TRIGGER {trigger}")));
        }
        all
    }

    fn let_go(&self, id: &ObjectId) -> Vec<Sql> {
        let drop =
            |table: &ObjectId| Sql::new(format!("DROP TRIGGER {} ON {}", self.trigger(id), table.sql()));
        let function = Sql::new(format!("DROP FUNCTION {}()", self.function(id)));
        self.tables.iter().map(drop).chain([function]).collect()
    }

    fn differs(&self) -> String {
        format!("pg_catalog.record_image_ne(ROW({}), ROW({}))", self.beside.sql(), self.value.cast)
    }

    /// Every row has what its trigger would give it.
    fn proof(&self, id: &ObjectId) -> Sql {
        let failed = sql::literal(&format!("{} is not yet converted in every row", with_relation(id)));
        let body = format!(
            "BEGIN\n    IF EXISTS (SELECT FROM {} AS {} WHERE {}) THEN\n        \
             RAISE EXCEPTION USING MESSAGE = {failed};\n    END IF;\nEND",
            id.relation_sql(),
            sql::ident(id.path.part(1)),
            self.differs()
        );
        Sql::new(format!("DO {}", sql::dollar_quoted(&body)))
    }

    /// The check that is there until NOT NULL is.
    fn check(&self) -> Option<ObjectId> {
        let name = temporary_name("not_null", &self.beside);
        let check =
            ObjectId::new(Kind::Constraint, [self.beside.path.part(0), self.beside.path.part(1), &name]);
        Some(check).filter(|_| self.column.not_null)
    }

    /// All that is said of it in the end, while it is still beside. `other`: the column whose place it takes.
    fn finish(&self, other: &Column) -> Vec<Sql> {
        let not_null_as = self.column.refusal().or_else(|| self.column.not_null_as.clone());
        let whole = Column { not_null_as, ..self.column.clone() };
        let said = match Column::alter(Pair::new(&self.bare(), &whole), &self.beside) {
            Alter::InPlace(ddl, _) => ddl.into_statements(),
            _ => Vec::new(),
        };
        let sequence = |column: &Column| {
            column.identity.as_ref().map(|identity| ObjectId::new(Kind::Sequence, identity.sequence.clone()))
        };
        let mut all = match (sequence(other), sequence(self.column)) {
            (Some(old), Some(new)) => {
                let (mut all, old) = step_aside(&old, &new);
                all.extend(said);
                all.push(take_position(&new, &old));
                all
            }
            _ => said,
        };
        let checks = self.check().into_iter();
        all.extend(checks.flat_map(|check| self.alter(format!("DROP CONSTRAINT {}", check.sql()))));
        all
    }

    /// The column that is there becomes the one beside.
    fn step_back(&self, id: &ObjectId) -> Vec<Sql> {
        let mut all = match Column::alter(Pair::new(self.column, &self.bare()), id) {
            Alter::InPlace(ddl, _) => ddl.into_statements(),
            _ => Vec::new(),
        };
        all.extend(rename(id, id.path.last(), self.beside.path.last()));
        all
    }

    fn set_default(&self, id: &ObjectId) -> Vec<Sql> {
        let default = self.default.iter();
        default
            .flat_map(|default| {
                alter_table(id, vec![format!("ALTER COLUMN {} SET DEFAULT {default}", id.sql())])
            })
            .collect()
    }
}

fn rename(id: &ObjectId, from: &str, to: &str) -> Vec<Sql> {
    alter_table(id, vec![format!("RENAME COLUMN {} TO {}", sql::ident(from), sql::ident(to))])
}

impl<'a> Lowering<'a> {
    /// Both sides of a column that is converted online: the old type's and the new one's.
    fn sides(&self, id: &ObjectId) -> Option<Pair<Side<'a>>> {
        let conversion = self.context.conversions.get(id).filter(|conversion| conversion.online)?;
        let names = Conversion::beside(id);
        let side = |catalog: &'a Catalog, name: &str, value: &'a Value, what| {
            let Some(Object::Column(column)) = catalog.objects.get(id) else { return None };
            let default = ObjectId { kind: Kind::Default, path: id.path.clone() };
            let default = match catalog.objects.get(&default) {
                Some(Object::Default(default)) => Some(default.expression.clone()),
                _ => None,
            };
            let table = id.relation()?;
            let tables = self.tables_with_triggers(id);
            Some(Side { beside: column_of(&table, name), column, value, default, what, tables })
        };
        Some(Pair::new(
            side(self.catalogs.before, &names.before, &conversion.value.before, "back")?,
            side(self.catalogs.after, &names.after, &conversion.value.after, "convert")?,
        ))
    }

    fn converted(&self) -> Vec<(&'a ObjectId, Pair<Side<'a>>)> {
        let columns = self.context.conversions.keys();
        columns.filter_map(|id| Some((id, self.sides(id)?))).collect()
    }
}

impl Lowering<'_> {
    /// Whether the column gets its type by another column in its place.
    pub(super) fn is_converted(&self, id: &ObjectId) -> bool {
        !self.context.alone && self.context.conversions.get(id).is_some_and(|conversion| conversion.online)
    }

    /// What comes before the columns take their places, in the same phase: a proof that there is no NULL, and the indexes.
    pub(super) fn prepare_conversions(&mut self) {
        for (id, sides) in self.converted() {
            let unit = Unit::apart(id.clone(), Phase::Contract);
            if let Some(check) = sides.after.check() {
                let (refuse, prove) = null_words(&sides.after.beside);
                let drop = format!("DROP CONSTRAINT IF EXISTS {}", check.sql());
                let undo = Action::catalog(sides.after.alter(drop));
                self.push_about(&check, &unit, Verb::Create, refuse, refusal(&sides.after, &check), undo);
                let proof = Action::validate(validate(&check, &check.sql()));
                self.push_about(&check, &unit, Verb::Validate, prove, proof, Undo::Nothing);
            }
        }
        for (id, objects) in &self.context.twins {
            let Some(twin) = Prebuilt::of(id, &objects.after, "new") else { continue };
            let unit = Unit::apart(id.clone(), Phase::Contract);
            let summary = format!("build the next {}", with_relation(id));
            self.push_about(&twin.id, &unit, Verb::Create, summary, twin.build, twin.discard);
        }
    }

    /// What comes in expand, and what the way back begins with.
    pub(super) fn finish_conversions(&mut self) {
        let converted = self.converted();
        let unit = |side: &Side<'_>| Unit::apart(side.beside.clone(), Phase::Expand);
        // all of them are there before the first is filled: what writes a row for one fills it for all
        for (id, Pair { after, .. }) in &converted {
            let (come, go) = (come(after, id), go(after, id));
            let summary = format!("add {} as {} beside it", with_relation(id), after.column.data_type);
            self.push(&unit(after), Verb::Create, summary, Action::catalog(come), Action::catalog(go));
        }
        for (id, Pair { after, .. }) in &converted {
            for (column, pass) in self.conversion_fills(id, after, self.catalogs.before) {
                let summary = format!("convert {} batch by batch", with_relation(id));
                self.push_about(&column, &unit(after), Verb::Fill, summary, pass.action(), Undo::Nothing);
                self.fills_by(pass);
            }
        }
        for (id, Pair { after, .. }) in &converted {
            let proof = Action::validate(vec![after.proof(id)]);
            let summary = format!("validate that every row has {} converted", with_relation(id));
            self.push(&unit(after), Verb::Validate, summary, proof, Undo::Nothing);
        }
        self.current = None;
        let old = self.old_types();
        let goes = |step: &&mut Draft| {
            old.contains(&step.object)
                && self.changes.get(&step.object).is_some_and(|change| change.how == How::Drop)
        };
        for step in self.steps.iter_mut().filter(goes) {
            step.place = Place::GoesLast;
        }
        self.lock_together();
        let begins = self.steps.len();
        self.begin_the_way_back(&converted);
        for step in &mut self.steps[begins..] {
            step.place = Place::BeginsTheWayBack;
        }
    }

    /// The types that converted columns have before, with what those are made of.
    fn old_types(&self) -> BTreeSet<ObjectId> {
        let before = self.catalogs.before;
        let mut next: Vec<&ObjectId> = self.converted().into_iter().map(|(id, _)| id).collect();
        let mut types = BTreeSet::new();
        while let Some(id) = next.pop() {
            let is_type =
                |to: &&ObjectId| matches!(to.kind, Kind::Enum | Kind::Domain | Kind::Composite | Kind::Range);
            for to in before.needs_of(id).map(|need| &need.to).filter(is_type) {
                if types.insert(to.clone()) {
                    next.push(to);
                }
            }
        }
        let checks = before.of_kind(Kind::DomainConstraint).map(|(id, _)| id);
        let of_them =
            checks.filter(|id| types.contains(&ObjectId::new(Kind::Domain, id.path.parts()[..2].to_vec())));
        let of_them: Vec<ObjectId> = of_them.cloned().collect();
        // what their defaults and checks call goes behind them
        let defaults = types.iter().map(|id| ObjectId { kind: Kind::DomainDefault, path: id.path.clone() });
        let rules: Vec<ObjectId> = defaults.chain(of_them.iter().cloned()).collect();
        let called = rules.iter().flat_map(|id| before.needs_of(id)).map(|need| need.to.clone());
        let called: Vec<ObjectId> = called.filter(|id| id.kind == Kind::Function).collect();
        types.extend(of_them.into_iter().chain(called));
        types
    }

    /// Where foreign keys make several tables change at once, both ways begin with all of their locks: whoever already
    /// holds one and wants another would wait for the exchange, and the exchange for it.
    fn lock_together(&mut self) {
        let converted: Vec<&ObjectId> = self.converted().into_iter().map(|(id, _)| id).collect();
        let of_converted =
            |table: &ObjectId| converted.iter().any(|id| id.relation().as_ref() == Some(table));
        let ends = |change: &Change| match self.catalogs.before.objects.get(&change.id) {
            Some(Object::Constraint(Constraint { references: Some(to), .. })) => {
                let ends = [change.id.relation()?, ObjectId::new(Kind::Table, to.clone())];
                (change.how == How::Replace || ends.iter().any(of_converted)).then_some(ends)
            }
            _ => None,
        };
        let exchanged = self.steps.iter().filter(|step| step.phase == Phase::Contract);
        let exchanged = exchanged.filter_map(|step| self.changes.get(&step.object)).filter_map(ends);
        let tables: BTreeSet<String> = exchanged.flatten().map(|table| table.sql()).collect();
        let Some(column) = converted.first().filter(|_| tables.len() > 1) else { return };
        let names = tables.into_iter().collect::<Vec<_>>().join(", ");
        let lock = || Action::catalog(vec![Sql::new(format!("LOCK TABLE {names} IN ACCESS EXCLUSIVE MODE"))]);
        let step = |summary: String, run, undo: Action, place, with| Draft {
            with,
            place,
            ..Draft::new(Phase::Contract, Verb::Replace, (*column).clone(), summary, run, undo.into())
        };
        let back = format!("on the way back, lock {names}");
        let opens = step(format!("lock {names}"), lock(), Action::nothing(), Place::Opens, None);
        let closes = step(back, Action::nothing(), lock(), Place::Closes, Some(With::Previous));
        self.steps.extend([opens, closes]);
    }

    /// What the way back begins with.
    fn begin_the_way_back(&mut self, converted: &[(&ObjectId, Pair<Side<'_>>)]) {
        // what it does last comes first
        let contract = |id: &ObjectId| Unit::apart(id.clone(), Phase::Contract);
        for (id, objects) in &self.context.twins {
            let Some(twin) = Prebuilt::of(id, &objects.before, "old") else { continue };
            let what = format!("build the index of what was {}", with_relation(id));
            self.push_back(&contract(id), Verb::Create, &twin.id, &what, twin.build, With::Previous);
        }
        for (id, Pair { before, .. }) in converted {
            if let Some(check) = before.check() {
                let unit = contract(id);
                let (refuse, prove) = null_words(&before.beside);
                let proof = Action::validate(validate(&check, &check.sql()));
                self.push_back(&unit, Verb::Validate, &check, &prove, proof, With::Previous);
                self.push_back(&unit, Verb::Create, &check, &refuse, refusal(before, &check), With::Previous);
            }
            let what = format!("validate that every row has {} converted back", with_relation(id));
            let proof = Action::validate(vec![before.proof(id)]);
            self.push_back(&contract(id), Verb::Validate, &before.beside, &what, proof, With::Previous);
        }
        for (id, Pair { before, .. }) in converted.iter().rev() {
            for (column, pass) in self.conversion_fills(id, before, self.catalogs.after) {
                let what = format!("convert {} back, batch by batch", with_relation(id));
                self.push_back(&contract(id), Verb::Fill, &column, &what, pass.action(), With::Previous);
                self.fills_by(pass);
            }
        }
        for (id, Pair { before, .. }) in converted {
            let what = format!("add {} as {} beside it", with_relation(id), before.column.data_type);
            let come = Action::catalog(come(before, id));
            self.push_back(&contract(id), Verb::Create, &before.beside, &what, come, With::Previous);
        }
    }

    /// The column beside takes the place of the one that goes. None of them is ever missing: what comes afterwards in the
    /// same transaction finds the new one.
    pub(super) fn exchange_types(&mut self, unit: &Unit) -> Result<(), DiffError> {
        let id = &unit.root;
        let Some(Pair { before, after }) = self.sides(id) else { return Ok(()) };
        let place = |side: &Side<'_>, other: &Column| {
            let mut all = side.finish(other);
            all.extend(side.let_go(id));
            all
        };
        let mut run = place(&after, before.column);
        run.extend(alter_table(id, vec![format!("DROP COLUMN {}", id.sql())]));
        run.extend(rename(id, after.beside.path.last(), id.path.last()));
        let mut undo = place(&before, after.column);
        if self.with_default.contains(id) {
            run.extend(after.set_default(id));
            undo.extend(alter_table(id, vec![format!("ALTER COLUMN {} DROP DEFAULT", id.sql())]));
        }
        undo.extend(after.step_back(id));
        if after.column.not_null {
            undo.extend(self.accept_null_below(id, after.beside.path.last()));
        }
        undo.extend(rename(id, before.beside.path.last(), id.path.last()));
        undo.extend(after.keep_up(id));
        if unit.members.iter().any(|member| member.kind == Kind::Default) {
            undo.extend(before.set_default(id));
        }
        undo.extend(self.defaults_of_partitions(id, before.default.as_ref()));
        // what goes with the column
        let parts = [Kind::Column, Kind::Default, Kind::IdentitySequence];
        let others = unit.members.iter().filter(|member| !parts.contains(&member.kind)).cloned();
        let others = self.catalogs.before.only(&others.collect());
        let context = Context { alone: true, ..self.context.clone() };
        undo.extend(self.creation_within(&others, &context)?);
        let (old, new) = (&before.column.data_type, &after.column.data_type);
        let summary = format!("exchange {} of type {old} for the one of type {new}", with_relation(id));
        self.push(unit, Verb::Alter, summary, Action::swap(run), Action::swap(undo));
        Ok(())
    }

    /// What partitions have by default before the plan, where that is not what they get with the whole's.
    fn defaults_of_partitions(&self, id: &ObjectId, whole: Option<&String>) -> Vec<Sql> {
        let before = &self.catalogs.before.objects;
        let tables = self.family(id).into_iter().skip(1);
        let own = tables.filter_map(|table| {
            let column = column_of(&table, id.path.last());
            let default = ObjectId { kind: Kind::Default, path: column.path.clone() };
            match before.get(&default) {
                Some(Object::Default(own)) if Some(&own.expression) == whole => None,
                Some(own) => Some(own.create(&default).into_statements()),
                None => whole.map(|_| {
                    let drop = format!(
                        "ALTER TABLE ONLY {} ALTER COLUMN {} DROP DEFAULT",
                        table.sql(),
                        column.sql()
                    );
                    vec![Sql::new(drop)]
                }),
            }
        });
        own.flatten().collect()
    }

    /// The batches that fill the column beside, for each table that stores rows, as it is in this catalog then.
    fn conversion_fills(&self, id: &ObjectId, side: &Side<'_>, catalog: &Catalog) -> Vec<(ObjectId, Pass)> {
        let fill = Fill {
            value: side.value.assigned.clone(),
            meanwhile: Meanwhile::Mirrored,
            rows: Some(side.differs()),
            // its trigger sees what else the pass makes of a row
            reads: BTreeSet::new(),
            elsewhere: BTreeSet::new(),
            batch: BATCH,
        };
        let tables = self.storing(id).into_iter().map(|table| {
            let column = column_of(&table, side.beside.path.last());
            let key = key_in(catalog, &table, |_| true);
            let pass = Pass::new(&column, id.path.part(1), &fill, key);
            (column, pass)
        });
        tables.collect()
    }

    /// The statements of a change in place whose values come from what is said of them.
    pub(super) fn with_using(&self, id: &ObjectId, data_type: &str, ddl: Ddl) -> Ddl {
        let (Some(conversion), Ddl::Table(mut table)) = (self.context.conversions.get(id), ddl.clone())
        else {
            return ddl;
        };
        let Pair { before, after } = &conversion.value;
        let value = if data_type == conversion.types.after { after } else { before };
        let begins = format!("ALTER COLUMN {} TYPE ", id.sql());
        for clause in table.clauses.iter_mut().filter(|clause| clause.starts_with(&begins)) {
            let end = sql::find_outside(clause, " USING ").unwrap_or(clause.len());
            clause.truncate(end);
            clause.push_str(&format!(" USING {}", value.assigned));
        }
        Ddl::Table(table)
    }
}

fn null_words(column: &ObjectId) -> (String, String) {
    let what = with_relation(column);
    (format!("refuse NULL in {what}, not yet validated"), format!("validate that no row has NULL in {what}"))
}

fn refusal(side: &Side<'_>, check: &ObjectId) -> Action {
    let is_there = format!("CHECK ({} IS NOT NULL) NOT VALID", side.beside.sql());
    Action::catalog(side.alter(format!("ADD CONSTRAINT {} {is_there}", check.sql())))
}

/// The column comes beside, and is kept up from then on.
fn come(side: &Side<'_>, id: &ObjectId) -> Vec<Sql> {
    side.add().into_iter().chain(side.keep_up(id)).collect()
}

fn go(side: &Side<'_>, id: &ObjectId) -> Vec<Sql> {
    let drop = side.alter(format!("DROP COLUMN {}", side.beside.sql()));
    side.let_go(id).into_iter().chain(drop).collect()
}
