//! Columns that get values for the rows that are there: `@backfill`.
//!
//! A constant is a default from the start, which costs nothing however many rows there are. Anything else is filled in
//! batches while a trigger gives the value to rows that old code writes meanwhile; NULL is refused in contract. A default
//! that is another value for every row (`gen_random_uuid()`, `nextval(…)`) needs no trigger: it is its own.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Lowering, alter_table, counter::StandIn, draft::Undo, not_null::Proof, pass::Pass, temporary_name,
    with_relation,
};
use crate::{
    catalog::Catalog,
    diff::Change,
    graph::Unit,
    kind::{Alter, Column, Constraint, Definition, Object, constraint::ConstraintType},
    name::{Kind, ObjectId, Pair},
    sql::{self, Sql},
    step::{Action, Phase, Verb},
};

/// What existing rows get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fill {
    /// The value: an expression over the row in which every name is qualified.
    pub value: String,
    /// What gives it to rows that are written while the plan runs.
    pub meanwhile: Meanwhile,
    /// Which rows: those that have NULL, where it is not said.
    pub rows: Option<String>,
    /// The columns of its table that the value is computed from.
    pub reads: BTreeSet<String>,
    /// What else it is computed from: columns of other tables, views, functions.
    pub elsewhere: BTreeSet<ObjectId>,
    /// How many rows the first batch visits.
    pub batch: u32,
}

/// What gives a value to rows that code writes which does not know the column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meanwhile {
    /// A default for as long as the plan runs: the value is the same for every row, and known.
    Constant,
    /// The column's own default, which is the value.
    OwnDefault,
    /// A trigger that computes it.
    Computed {
        /// Whether it looks at other tables, which old code's role may not.
        looks_elsewhere: bool,
        /// Whether it is another one each time, so that a row that has one keeps it.
        volatile: bool,
    },
    /// Something that the recipe has for both columns.
    Mirrored,
}

/// How many rows a batch visits first, where it is not said.
pub const BATCH: u32 = 1_000;

/// Which column is filled before which: those that another one is computed from.
pub(super) fn in_order(fills: &BTreeMap<ObjectId, Fill>) -> Vec<(ObjectId, ObjectId)> {
    let each = fills.iter().flat_map(|(id, fill)| {
        let table = id.relation();
        let read = fill.reads.iter().filter_map(move |name| Some(column_of(table.as_ref()?, name)));
        read.filter(|read| fills.contains_key(read)).map(|read| (read, id.clone()))
    });
    each.collect()
}

/// A column of one of the tables that have it.
pub(super) fn column_of(table: &ObjectId, name: &str) -> ObjectId {
    ObjectId::new(Kind::Column, [table.path.part(0), table.path.part(1), name])
}

/// Whether a primary key is over a column that refuses NULL from contract on only.
pub(super) fn is_key_of_filled(change: &Change, fills: &BTreeMap<ObjectId, Fill>) -> bool {
    let Some(Object::Constraint(key)) = &change.object.after else { return false };
    let Some(table) = change.id.relation() else { return false };
    let filled = |name: &String| {
        let fill = fills.get(&column_of(&table, name));
        fill.is_some_and(|fill| fill.meanwhile != Meanwhile::Constant)
    };
    key.contype == ConstraintType::PrimaryKey && key.columns.iter().any(filled)
}

/// Whether something is said of the sequence of an identity column that counts by itself from contract on.
pub(super) fn is_about_late_sequence(
    id: &ObjectId,
    after: &Catalog,
    fills: &BTreeMap<ObjectId, Fill>,
) -> bool {
    let sequence = id.target().filter(|target| target.kind == Kind::IdentitySequence);
    match sequence.and_then(|sequence| after.objects.get(&sequence)) {
        Some(Object::IdentitySequence(sequence)) => {
            fills.contains_key(&ObjectId::new(Kind::Column, sequence.column.clone()))
        }
        _ => false,
    }
}

impl<'a> Lowering<'a> {
    /// What is asked for rows of a table in use.
    pub(super) fn fill_of(&self, column: &ObjectId) -> Option<&'a Fill> {
        let in_use = !self.context.alone && self.relation_existed(column);
        self.context.fills.get(column).filter(|_| in_use)
    }
}

impl Lowering<'_> {
    /// A column that comes with values for the rows that are there.
    pub(super) fn create_filled(&mut self, unit: &Unit, column: &Column, fill: &Fill) {
        let default = ObjectId { kind: Kind::Default, path: unit.root.path.clone() };
        let default = match self.catalogs.after.objects.get(&default) {
            Some(Object::Default(default)) if unit.members.iter().any(|id| id.kind == Kind::Default) => {
                Some(default.expression.clone())
            }
            _ => None,
        };
        if fill.meanwhile == Meanwhile::Constant {
            self.create_constant(unit, column, fill, default.as_deref());
        } else {
            self.create_computed(unit, column, fill, default.as_deref());
        }
    }

    /// The value as a default, which old code's rows get, too, until contract.
    fn create_constant(&mut self, unit: &Unit, column: &Column, fill: &Fill, default: Option<&str>) {
        let (id, what) = (&unit.root, with_relation(&unit.root));
        let mut run = self.add_column(id, column, Some(&fill.value));
        // for rows that are written from now on
        run.extend(default.into_iter().flat_map(|default| set_default(id, default)));
        let summary = format!("add {what} with a value for every row");
        self.push(unit, Verb::Create, summary, Action::catalog(run), drop_column(id));
        if default.is_none() {
            let run =
                Action::catalog(alter_table(id, vec![format!("ALTER COLUMN {} DROP DEFAULT", id.sql())]));
            let undo = Action::catalog(set_default(id, &fill.value));
            let contract = Unit { phase: Phase::Contract, ..unit.clone() };
            self.push(&contract, Verb::Alter, format!("take the default of {what} away"), run, undo);
        }
    }

    fn create_computed(&mut self, unit: &Unit, column: &Column, fill: &Fill, default: Option<&str>) {
        let (id, what) = (&unit.root, with_relation(&unit.root));
        let counter = column.identity.as_ref().map(|identity| StandIn::new(id, identity));
        let column = &Column { identity: None, ..column.clone() };
        let bare = Column { not_null: false, not_null_as: None, ..column.clone() };
        let counted = counter.as_ref().map(StandIn::default);
        let mut run = counter.as_ref().map(StandIn::create).unwrap_or_default();
        run.extend(self.add_column(id, &bare, None));
        run.extend(counted.as_deref().or(default).into_iter().flat_map(|default| set_default(id, default)));
        let mut undo = alter_table(id, vec![format!("DROP COLUMN {}", id.sql())]);
        undo.extend(counter.as_ref().map(StandIn::drop));
        self.push(unit, Verb::Create, format!("add {what}"), Action::catalog(run), Action::catalog(undo));
        let trigger = match fill.meanwhile {
            Meanwhile::Computed { .. } => {
                Some(Trigger::new(id, column, fill, &self.tables_with_triggers(id)))
            }
            _ => None,
        };
        if let Some(trigger) = &trigger {
            let summary = format!("fill {what} in rows that are written meanwhile");
            let (on, off) = (Action::catalog(trigger.create()), Action::catalog(trigger.drop()));
            self.push(unit, Verb::Alter, summary, on, off);
        }
        let counted = counted.map(|value| Fill { value, ..fill.clone() });
        let fill = counted.as_ref().unwrap_or(fill);
        self.fill_rows(unit, fill);
        let contract = Unit { phase: Phase::Contract, ..unit.clone() };
        if trigger.is_none() {
            // a row whose key changed while the first went through has no value yet, and no trigger gave it one
            self.fill_rows(if column.not_null { &contract } else { unit }, fill);
        }
        if let Some(refusal) = column.late_refusal(id).filter(|_| !column.has_no_null()) {
            let accept = alter_table(id, vec![format!("ALTER COLUMN {} DROP NOT NULL", id.sql())]);
            let summary = format!("refuse NULL in {what}, not validated");
            let refuse = Action::catalog(alter_table(id, vec![refusal]));
            self.push(&contract, Verb::Alter, summary, refuse, Action::catalog(accept));
        } else if column.not_null {
            let rest = match Column::alter(Pair::new(&bare, column), id) {
                Alter::InPlace(ddl, _) => ddl.into_statements(),
                _ => Vec::new(),
            };
            let proof = match column.refusal().filter(|_| self.context.major >= 18) {
                Some(constraint) => Proof::Native(constraint),
                None => Proof::Check,
            };
            let native = matches!(proof, Proof::Native(_));
            let accept = alter_table(id, vec![format!("ALTER COLUMN {} DROP NOT NULL", id.sql())]);
            let rest = if native { Vec::new() } else { rest };
            self.refuse_null(&contract, &proof, rest, Action::catalog(accept).into());
        }
        if let Some(counter) = &counter {
            let summary = format!("{what} counts by itself");
            let (there, back) = (Action::catalog(counter.hand_over()), Action::catalog(counter.take_back()));
            self.push(&contract, Verb::Alter, summary, there, back);
        }
        if let Some(trigger) = &trigger {
            let summary = format!("no longer fill {what} by a trigger");
            let (off, on) = (Action::catalog(trigger.drop()), Action::catalog(trigger.create()));
            self.push(&contract, Verb::Alter, summary, off, on);
        }
    }

    /// A column that refuses NULL from contract on, and has values for the rows that have it: they get theirs in expand,
    /// those that old code wrote since then before NULL is refused, and those that slipped in before it is proven.
    /// (A check that is not valid yet would refuse every other update of a row that has NULL.)
    pub(super) fn fill_and_refuse_null(&mut self, unit: &Unit, proof: &Proof, rest: Vec<Sql>, fill: &Fill) {
        self.fill_rows(&Unit { phase: Phase::Expand, ..unit.clone() }, fill);
        self.fill_rows(unit, fill);
        let refused = self.steps.len() + 1;
        self.refuse_null(unit, proof, rest, Undo::Derived);
        let proven = self.steps.split_off(refused.min(self.steps.len()));
        self.fill_rows(unit, fill);
        self.steps.extend(proven);
    }

    /// The rows of each table that stores some, batch by batch.
    pub(super) fn fill_rows(&mut self, unit: &Unit, fill: &Fill) {
        for table in self.storing(&unit.root) {
            let key = self.key_of(&table);
            let column = column_of(&table, unit.root.path.last());
            let summary = format!("fill {} batch by batch", with_relation(&column));
            let mut pass = Pass::new(&column, unit.root.path.part(1), fill, key);
            // one that was there has none
            let has_trigger = matches!(fill.meanwhile, Meanwhile::Computed { .. });
            if has_trigger && !self.catalogs.before.objects.contains_key(&column) {
                pass = pass.by_trigger();
            }
            self.push_about(&column, unit, Verb::Fill, summary, pass.action(), Undo::Nothing);
            self.fills_by(pass);
        }
    }

    /// The last draft is such a pass.
    pub(super) fn fills_by(&mut self, pass: Pass) {
        if let Some(draft) = self.steps.last_mut() {
            draft.fills = Some(pass);
        }
    }

    /// The table and all that inherit from it, directly or not; and its partitions, and theirs.
    pub(super) fn family(&self, column: &ObjectId) -> Vec<ObjectId> {
        let mut found: Vec<ObjectId> = column.relation().into_iter().collect();
        let mut at = 0;
        while let Some(table) = found.get(at).cloned() {
            at += 1;
            let below = self.below.get(table.path.parts()).into_iter().flatten();
            let new: Vec<ObjectId> =
                below.filter(|id| !found.contains(id) && self.existed(id)).cloned().collect();
            found.extend(new);
        }
        found
    }

    fn is_partition(&self, table: &ObjectId) -> bool {
        self.catalogs
            .before
            .objects
            .contains_key(&ObjectId { kind: Kind::Attachment, path: table.path.clone() })
    }

    /// Those of the family that have rows of their own.
    pub(super) fn storing(&self, column: &ObjectId) -> Vec<ObjectId> {
        let stores = |id: &ObjectId| matches!(self.catalogs.before.objects.get(id), Some(Object::Table(table)) if table.partition_by.is_none());
        self.family(column).into_iter().filter(stores).collect()
    }

    /// Those of the family whose trigger is not a copy of another's: partitions have the whole's.
    pub(super) fn tables_with_triggers(&self, column: &ObjectId) -> Vec<ObjectId> {
        let whole = column.relation();
        let own = |id: &ObjectId| Some(id) == whole.as_ref() || !self.is_partition(id);
        self.family(column).into_iter().filter(own).collect()
    }

    /// The columns, with their types, by which each row is known while the plan runs: of the primary key, else of a unique
    /// one that has no NULL.
    pub(super) fn key_of(&self, table: &ObjectId) -> Vec<(String, String)> {
        key_in(self.catalogs.before, table, |id| !self.changes.contains_key(id))
    }
}

/// The columns, with their types, by which each row is known, of those that can be relied on.
pub(super) fn key_in(
    catalog: &Catalog,
    table: &ObjectId,
    reliable: impl Fn(&ObjectId) -> bool,
) -> Vec<(String, String)> {
    let column = |name: &str| {
        let id = column_of(table, name);
        match catalog.objects.get(&id) {
            Some(Object::Column(column)) if column.not_null && reliable(&id) => {
                Some((id.sql(), column.data_type.clone()))
            }
            _ => None,
        }
    };
    let constraints = catalog.parts(Kind::Constraint, table).filter(|(id, _)| reliable(id));
    let mut keys: Vec<&Constraint> = constraints
        .filter_map(|(_, object)| match object {
            Object::Constraint(key) => Some(key),
            _ => None,
        })
        .filter(|key| matches!(key.contype, ConstraintType::PrimaryKey | ConstraintType::Unique))
        .collect();
    keys.sort_by_key(|key| (key.contype, key.columns.len()));
    let all = |key: &&Constraint| key.columns.iter().map(|name| column(name)).collect::<Option<Vec<_>>>();
    keys.iter().find_map(all).unwrap_or_default()
}

fn drop_column(id: &ObjectId) -> Action {
    Action::catalog(alter_table(id, vec![format!("DROP COLUMN {}", id.sql())]))
}

fn set_default(id: &ObjectId, expression: &str) -> Vec<Sql> {
    alter_table(id, vec![format!("ALTER COLUMN {} SET DEFAULT {expression}", id.sql())])
}

/// Gives the function by which a column gets its values to the owner of the column's table, whoever that is in this database.
///
/// What the value is computed from, functions and tables, is others'. The function has its owner's rights so that those who write
/// to the table need none on what it reads, and these must not be the rights of who applies. To have a function made that has
/// another role's rights takes CREATE in its schema for that role (manual, ALTER FUNCTION): it gets that for the moment, which
/// nobody else sees, or the step is refused.
pub(crate) fn gives_its_trigger(column: &ObjectId) -> Sql {
    let function = sql::qualified(&["trueup", &temporary_name("value", column)]);
    let (give, table) = (format!("ALTER FUNCTION {function}() OWNER TO %I"), column.relation_sql());
    let (give, table) = (sql::literal(&give), sql::literal(&table));
    let body = format!(
        "DECLARE\n    \
           of_table pg_catalog.text := (SELECT r.rolname FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_roles AS r \
             ON r.oid OPERATOR(pg_catalog.=) c.relowner WHERE c.oid OPERATOR(pg_catalog.=) {table}::pg_catalog.regclass);\n    \
           may pg_catalog.bool := pg_catalog.has_schema_privilege(of_table::pg_catalog.name, 'trueup', 'CREATE');\n\
         BEGIN\n    \
           IF of_table OPERATOR(pg_catalog.=) CURRENT_USER::pg_catalog.text THEN RETURN; END IF;\n    \
           IF NOT may THEN EXECUTE pg_catalog.format('GRANT CREATE ON SCHEMA trueup TO %I', of_table); END IF;\n    \
           EXECUTE pg_catalog.format({give}, of_table);\n    \
           IF NOT may THEN EXECUTE pg_catalog.format('REVOKE CREATE ON SCHEMA trueup FROM %I', of_table); END IF;\n\
         END"
    );
    Sql::new(format!("DO {}", sql::dollar_quoted(&body)))
}

/// What gives the value to rows that code writes that does not know the column.
struct Trigger {
    column: ObjectId,
    name: String,
    function: String,
    body: String,
    definer: bool,
    tables: Vec<ObjectId>,
}

impl Trigger {
    fn new(id: &ObjectId, column: &Column, fill: &Fill, tables: &[ObjectId]) -> Self {
        // behind all others: the value is that of the row which is stored, and they may change it
        let function = temporary_name("value", id);
        let (name, data_type, value) = (id.sql(), &column.data_type, &fill.value);
        let table = sql::ident(id.path.part(1));
        let (definer, volatile) = match fill.meanwhile {
            Meanwhile::Computed { looks_elsewhere, volatile } => (looks_elsewhere, volatile),
            _ => (false, false),
        };
        // a column that old code changes is behind the value: it is computed again, unless new code says otherwise
        let again = format!(
            "    ELSIF pg_catalog.record_image_eq(ROW(NEW.{name}), ROW(OLD.{name})) THEN\n        \
                 SELECT {value} INTO trueup_was FROM (SELECT OLD.*) AS {table};\n        \
                 IF pg_catalog.record_image_ne(ROW(trueup_was), ROW(trueup_is)) THEN\n            \
                   NEW.{name} := trueup_is;\n        \
                 END IF;\n"
        );
        let again = if volatile { "" } else { &again };
        let body = format!(
            "#variable_conflict use_column\n\
             DECLARE\n    trueup_was {data_type};\n    trueup_is {data_type};\n\
             BEGIN\n    \
               SELECT {value} INTO trueup_is FROM (SELECT NEW.*) AS {table};\n    \
               IF TG_OP OPERATOR(pg_catalog.=) 'INSERT' THEN\n        \
                 NEW.{name} := COALESCE(NEW.{name}, trueup_is);\n    \
               ELSIF NEW.{name} IS NULL THEN\n        \
                 NEW.{name} := trueup_is;\n\
               {again}    \
               END IF;\n    \
               RETURN NEW;\n\
             END"
        );
        let name = format!("~{function}");
        let function = sql::qualified(&["trueup", &function]);
        Self { column: id.clone(), name, function, body, definer, tables: tables.to_vec() }
    }

    fn create(&self) -> Vec<Sql> {
        let Self { name, function, body, definer, tables, .. } = self;
        let definer = if *definer { " SECURITY DEFINER SET search_path = ''" } else { "" };
        let body = sql::dollar_quoted(body);
        let mut all = vec![Sql::new(format!(
            "CREATE FUNCTION {function}() RETURNS pg_catalog.trigger LANGUAGE plpgsql{definer} AS {body}"
        ))];
        all.extend(self.definer.then(|| gives_its_trigger(&self.column)));
        for table in tables {
            let (name, table) = (sql::ident(name), table.sql());
            all.push(Sql::new(format!(
                "CREATE TRIGGER {name} BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION {function}()"
            )));
            // also in rows that replication applies, and those of another backfill that skips the tables' own triggers
            all.push(Sql::new(format!("ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}")));
        }
        all
    }

    fn drop(&self) -> Vec<Sql> {
        let Self { name, function, tables, .. } = self;
        let drop =
            |table: &ObjectId| Sql::new(format!("DROP TRIGGER {} ON {}", sql::ident(name), table.sql()));
        tables.iter().map(drop).chain([Sql::new(format!("DROP FUNCTION {function}()"))]).collect()
    }
}
