//! Columns that get another name while code uses both: `@renamed … online`.
//!
//! The column stays what it is: keys, indexes, policies, views and grants follow it through a rename. In expand the other
//! name is a column beside it, kept equal by triggers and proven equal by a check. In contract that one goes and the
//! column itself gets the name. The way back is the same with the two exchanged.

use std::collections::BTreeSet;

use super::{
    BATCH, Fill, Lowering, Meanwhile, alter_table,
    backfill::column_of,
    draft::{Draft, Undo},
    index,
    pass::Pass,
    rename_table::tables,
    temporary_name,
    unproven::validate,
};
use crate::{
    catalog::Catalog,
    diff::{Change, Changes, How},
    graph::Unit,
    kind::{Alter, Column, Definition, Index, Object, Trigger},
    name::{Kind, ObjectId, Pair},
    sql::{self, Sql},
    step::{Action, OldName, Phase, Step, Verb, With},
};

/// A column that is renamed while code uses both names. It is known under the new one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renaming {
    /// The name that it has.
    pub from: String,
    /// Whether its default is another value each time.
    pub volatile: bool,
    /// The replacement indexes to build with this column: on the new names before contract, on the old ones when contract is
    /// rolled back.
    pub twins: Pair<Vec<Twin>>,
    /// The triggers that fire on UPDATE OF it, with the old name and with the new one.
    pub fires: Vec<(ObjectId, Pair<Trigger>)>,
    /// What is called after it, and gets another name along with it.
    pub along: Vec<Step>,
}

impl Renaming {
    /// What tells who still writes by the old name.
    pub fn old_name(&self, column: &ObjectId) -> OldName {
        OldName {
            column: column.clone(),
            old: self.from.clone(),
            writes: ours("writes", column),
            last: ours("last", column),
        }
    }
}

/// Something in trueup's own schema for a renamed column.
fn ours(what: &str, column: &ObjectId) -> String {
    let name = temporary_name(what, column);
    sql::qualified(&["trueup", name.strip_prefix("trueup_").unwrap_or(&name)])
}

/// An index that is there for a while, so that queries by either name find their rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Twin {
    /// What it is called.
    pub id: ObjectId,
    /// What it is.
    pub index: Index,
}

/// What uses a column that has two names or types for a while, or a table that has two names, directly or not, in either
/// catalog: it changes once that is what it is to be. A body of a function that mentions the table may mention the column.
pub(super) fn later(
    catalogs: Pair<&Catalog>,
    changes: &Changes,
    beside: &BTreeSet<ObjectId>,
) -> BTreeSet<ObjectId> {
    let mut later = beside.clone();
    if later.is_empty() {
        return later;
    }
    let tables: BTreeSet<ObjectId> = tables(beside).collect();
    for catalog in [catalogs.before, catalogs.after] {
        let is_function = |id: &ObjectId| id.kind == Kind::Function;
        for need in &catalog.needs {
            if is_function(&need.from) && tables.contains(&need.to) {
                later.insert(need.from.clone());
            }
            let of_table = || {
                need.from.kind == Kind::Trigger && need.from.relation().is_some_and(|on| tables.contains(&on))
            };
            if is_function(&need.to) && of_table() {
                later.insert(need.to.clone());
            }
        }
    }
    loop {
        let known = later.len();
        for catalog in [catalogs.before, catalogs.after] {
            let users = catalog.needs.iter().filter(|need| later.contains(&need.to));
            let users: Vec<ObjectId> = users.map(|need| need.from.clone()).collect();
            later.extend(users);
            // what goes and comes back on the way back takes its users along
            let under = catalog.needs.iter().filter(|need| later.contains(&need.from)).map(|need| &need.to);
            let replaced: Vec<ObjectId> =
                under.filter(|id| is_replaced_on_the_way_back(id, changes)).cloned().collect();
            later.extend(replaced);
        }
        if later.len() == known {
            return later;
        }
    }
}

/// Whether a change in place is none the other way round.
fn is_replaced_on_the_way_back(id: &ObjectId, changes: &Changes) -> bool {
    let Some(Change { object: Pair { before: Some(old), after: Some(new) }, how: How::InPlace(_), .. }) =
        changes.get(id)
    else {
        return false;
    };
    !matches!(Object::alter(Pair::new(new, old), id), Alter::InPlace(_, None))
}

impl Lowering<'_> {
    /// The steps of the renamed columns of one table, each with the number of its unit, whatever else changes. Those that
    /// swap names stand together: an index of several columns has all of them under the other name until then.
    pub(super) fn rename_online(&mut self, columns: &[(usize, &ObjectId, &Renaming)]) {
        let mut of_table = Vec::new();
        for (unit, id, renaming) in columns {
            if let Some(Object::Column(column)) = self.catalogs.before.objects.get(*id) {
                of_table.push((*unit, *renaming, Beside::new(self, id, column, renaming)));
            }
        }
        let parts = [Self::add_shadow, Self::swap_on_rollback, Self::swap, Self::rename_implied];
        for part in parts {
            for (unit, renaming, beside) in &of_table {
                self.current = Some(*unit);
                part(self, beside, renaming);
            }
        }
    }

    /// Expand: the shadow column comes, is filled, and proven equal.
    fn add_shadow(&mut self, beside: &Beside<'_>, renaming: &Renaming) {
        let Beside { id, old, new, .. } = beside;
        let expand = Unit::apart((*id).clone(), Phase::Expand);
        let nothing = || Undo::Nothing;
        let summary =
            format!("add column {} of {} beside {}", sql::ident(new), id.relation_sql(), sql::ident(old));
        let (come, go) = (beside.come(old, new), beside.go(new));
        self.push(&expand, Verb::Create, summary, Action::catalog(come), Action::catalog(go));
        for (object, pass) in beside.fills(self, old, new) {
            let summary = format!("fill {} with what is in {}", object, sql::ident(old));
            self.push_about(&object, &expand, Verb::Fill, summary, pass.action(), nothing());
            // the triggers of what is computed from it see it filled
            self.needs_nothing();
            self.fills_by(pass);
        }
        // not for the rows that are filled
        for (trigger, Pair { before: one, .. }) in &renaming.fires {
            let summary = format!("let {trigger} fire on UPDATE OF {}, too", sql::ident(new));
            let (there, back) = (fire_on(trigger, one, new), fire_only(trigger, one, new));
            self.push_about(trigger, &expand, Verb::Alter, summary, there, back);
        }
        for twin in &renaming.twins.before {
            let summary = format!("build an index for {} on {}", sql::ident(new), id.relation_sql());
            self.push_about(&twin.id, &expand, Verb::Create, summary, twin.build(), twin.drop());
        }
        self.push_about(
            &beside.check_id(),
            &expand,
            Verb::Validate,
            beside.proven(),
            beside.proof(),
            nothing(),
        );
        self.needs_nothing();
    }

    /// What a rollback of contract does last, and so stands first: the columns are proven equal and swap their names.
    fn swap_on_rollback(&mut self, beside: &Beside<'_>, _: &Renaming) {
        let contract = Unit::apart(beside.id.clone(), Phase::Contract);
        let swap = format!("exchange {}", beside.names());
        self.push_back(
            &contract,
            Verb::Rename,
            beside.id,
            &swap,
            Action::swap(beside.exchange()),
            With::Next,
        );
        let (check, proof) = (beside.check_id(), beside.proof());
        self.push_back(&contract, Verb::Validate, &check, &beside.proven(), proof, With::Next);
    }

    /// Contract: the shadow column goes, and the column gets its name. A rollback adds one under the old name.
    fn swap(&mut self, beside: &Beside<'_>, renaming: &Renaming) {
        let Beside { id, old, new, .. } = beside;
        let contract = Unit::apart((*id).clone(), Phase::Contract);
        for (trigger, Pair { after: one, .. }) in &renaming.fires {
            let what = format!("let {trigger} fire on UPDATE OF {}, too", sql::ident(old));
            self.push_back(&contract, Verb::Alter, trigger, &what, fire_on(trigger, one, old), With::Next);
        }
        for twin in &renaming.twins.after {
            let what = format!("build an index for {} on {}", sql::ident(old), id.relation_sql());
            self.push_back(&contract, Verb::Create, &twin.id, &what, twin.build(), With::Next);
        }
        for (object, pass) in beside.fills(self, new, old) {
            let what = format!("fill {} with what is in {}", object, sql::ident(new));
            self.push_back(&contract, Verb::Fill, &object, &what, pass.action(), With::Next);
            self.fills_by(pass);
        }
        let narrow = |(trigger, Pair { before: one, .. }): &(ObjectId, Pair<Trigger>)| {
            fire_only(trigger, one, new).sql
        };
        let mut run: Vec<Sql> = renaming.fires.iter().flat_map(narrow).collect();
        run.extend(beside.go(new));
        run.extend(beside.rename(old, new));
        let summary =
            format!("rename column {} of {} to {}", sql::ident(old), id.relation_sql(), sql::ident(new));
        let back = beside.come(new, old);
        self.push(&contract, Verb::Rename, summary, Action::swap(run), Action::swap(back));
    }

    /// Contract: the objects that are named after the column get their names.
    fn rename_implied(&mut self, _: &Beside<'_>, renaming: &Renaming) {
        self.steps.extend(renaming.along.iter().cloned().map(Draft::from));
    }
}

/// Lets a trigger fire whoever sets the column, by this name as well.
fn fire_on(id: &ObjectId, trigger: &Trigger, name: &str) -> Action {
    replace(id, Pair::new(trigger, &trigger.also_of(name)))
}

/// Takes that back.
fn fire_only(id: &ObjectId, trigger: &Trigger, name: &str) -> Action {
    replace(id, Pair::new(&trigger.also_of(name), trigger))
}

/// CREATE OR REPLACE TRIGGER.
fn replace(id: &ObjectId, trigger: Pair<&Trigger>) -> Action {
    Action::catalog(match Trigger::alter(trigger, id) {
        Alter::InPlace(ddl, _) => ddl.into_statements(),
        _ => Vec::new(),
    })
}

impl Twin {
    fn build(&self) -> Action {
        index::build(&self.id, &self.index)
    }

    fn drop(&self) -> Action {
        Action::drop_index(self.id.clone())
    }
}

/// Two columns that are one.
struct Beside<'a> {
    id: &'a ObjectId,
    old: String,
    new: String,
    column: &'a Column,
    /// The default, if it is the same value each time.
    default: Option<String>,
    volatile: bool,
    /// GRANT on the column, as it is called when it is done.
    grants: Vec<Sql>,
    /// The table and those that have triggers of their own.
    tables: Vec<ObjectId>,
}

impl<'a> Beside<'a> {
    fn new(lowering: &Lowering<'_>, id: &'a ObjectId, column: &'a Column, renaming: &Renaming) -> Self {
        let objects = &lowering.catalogs.before.objects;
        let default = ObjectId { kind: Kind::Default, path: id.path.clone() };
        let default = match objects.get(&default) {
            Some(Object::Default(default)) if !renaming.volatile => Some(default.expression.clone()),
            _ => None,
        };
        let privileges = ObjectId::about(Kind::Privileges, id);
        let grants = match objects.get(&privileges) {
            Some(Object::Privileges(granted)) => granted.create(&privileges).into_statements(),
            _ => Vec::new(),
        };
        Self {
            id,
            old: renaming.from.clone(),
            new: id.path.last().to_owned(),
            column,
            default,
            volatile: renaming.volatile || column.identity.is_some(),
            grants,
            tables: lowering.tables_with_triggers(id),
        }
    }

    /// A name of something of trueup's own.
    fn own(&self, what: &str) -> String {
        temporary_name(what, self.id)
    }

    fn check_id(&self) -> ObjectId {
        ObjectId::new(Kind::Constraint, [self.id.path.part(0), self.id.path.part(1), &self.own("equal")])
    }

    /// Both columns, as in a step's summary.
    fn names(&self) -> String {
        format!("{} and {} of {}", sql::ident(&self.old), sql::ident(&self.new), self.id.relation_sql())
    }

    fn proven(&self) -> String {
        format!("validate that {} are equal", self.names())
    }

    fn proof(&self) -> Action {
        Action::validate(validate(self.id, &self.check_id().sql()))
    }

    /// A domain may refuse what is not there yet: the column beside has the type under it.
    fn plain_type(&self) -> &str {
        let facts = &self.column.facts;
        if facts.plain_type == self.column.base_type { &self.column.data_type } else { &facts.plain_type }
    }

    /// A value as one that can be compared bit by bit with that of the other column.
    fn image(&self, value: &str) -> String {
        if self.plain_type() == self.column.data_type {
            format!("ROW({value})")
        } else {
            format!("ROW(({value})::{})", self.plain_type())
        }
    }

    fn equal(&self, left: &str, right: &str) -> String {
        format!("pg_catalog.record_image_eq({}, {})", self.image(left), self.image(right))
    }

    fn differ(&self, left: &str, right: &str) -> String {
        format!("pg_catalog.record_image_ne({}, {})", self.image(left), self.image(right))
    }

    /// What is in a column that nobody gave a value.
    fn unset(&self) -> String {
        match &self.default {
            Some(default) => format!("({default})::{}", self.column.data_type),
            None => format!("NULL::{}", self.column.data_type),
        }
    }

    /// Another column comes beside the one that has the rows, and is kept equal from then on.
    fn come(&self, real: &str, beside: &str) -> Vec<Sql> {
        let mut all = self.functions(real, beside);
        let (own, other) = (sql::ident(real), sql::ident(beside));
        let collation =
            self.column.collation.as_ref().map(|name| format!(" COLLATE {name}")).unwrap_or_default();
        all.extend(self.alter(format!("ADD COLUMN {other} {}{collation}", self.plain_type())));
        // rows that are there stay NULL until they are filled
        if let Some(default) = &self.default {
            all.extend(self.alter(format!("ALTER COLUMN {other} SET DEFAULT {default}")));
        }
        if beside == self.new {
            all.extend(self.grants.iter().cloned());
        }
        for table in &self.tables {
            all.extend(self.triggers(table, &own, &other));
        }
        let equal = self.equal(&own, &other);
        all.extend(self.alter(format!("ADD CONSTRAINT {} CHECK ({equal}) NOT VALID", self.check_id().sql())));
        all
    }

    /// It goes again, with all that kept it equal.
    fn go(&self, beside: &str) -> Vec<Sql> {
        let mut all = Vec::new();
        for table in &self.tables {
            for name in self.trigger_names() {
                all.push(Sql::new(format!("DROP TRIGGER {} ON {}", sql::ident(&name), table.sql())));
            }
        }
        all.extend(self.alter(format!("DROP CONSTRAINT {}", self.check_id().sql())));
        all.extend(self.alter(format!("DROP COLUMN {}", sql::ident(beside))));
        for function in ["sync", "mirror", "seen"] {
            all.push(Sql::new(format!("DROP FUNCTION {}()", self.ours(function))));
        }
        for sequence in ["writes", "last"] {
            all.push(Sql::new(format!("DROP SEQUENCE {}", self.ours(sequence))));
        }
        all
    }

    fn rename(&self, from: &str, to: &str) -> Vec<Sql> {
        self.alter(format!("RENAME COLUMN {} TO {}", sql::ident(from), sql::ident(to)))
    }

    /// The two exchange their names: the one that has the rows gets the old one.
    fn exchange(&self) -> Vec<Sql> {
        let aside = self.own("aside");
        let steps = [(&self.new, &aside), (&self.old, &self.new), (&aside, &self.old)];
        let renames = steps.into_iter().flat_map(|(from, to)| self.rename(from, to));
        renames.chain(self.grants.iter().cloned()).collect()
    }

    fn alter(&self, clause: String) -> Vec<Sql> {
        alter_table(self.id, vec![clause])
    }

    fn ours(&self, what: &str) -> String {
        ours(what, self.id)
    }

    /// First, last, and before all others by name, in which order triggers fire.
    fn trigger_names(&self) -> [String; 4] {
        [
            format!("!!{}", self.own("seen")),
            format!("!!{}_new", self.own("seen")),
            format!("!{}", self.own("sync")),
            format!("~{}", self.own("mirror")),
        ]
    }

    fn functions(&self, real: &str, beside: &str) -> Vec<Sql> {
        let (old, new) = (format!("NEW.{}", sql::ident(&self.old)), format!("NEW.{}", sql::ident(&self.new)));
        let both = sql::literal(&format!(
            "{} and {} of {} are one column under two names, and were given different values",
            sql::ident(&self.old),
            sql::ident(&self.new),
            self.id.relation_sql()
        ));
        let refuse = format!("RAISE EXCEPTION USING ERRCODE = '23514', MESSAGE = {both};");
        // a default that is another value each time cannot be told from a value
        let inserted = if self.volatile {
            format!(
                "IF {} THEN {new} := {old}; ELSE {old} := {new}; END IF;",
                self.equal(&new, &self.unset())
            )
        } else {
            format!(
                "IF {} THEN {new} := {old};\n        ELSIF {} THEN {old} := {new};\n        ELSE {refuse}\n        END IF;",
                self.equal(&new, &self.unset()),
                self.equal(&old, &self.unset()),
            )
        };
        // a row that is not filled yet differs although nobody changed it: the column that has the rows is right
        let (is, was) = (
            |name: &str| format!("NEW.{}", sql::ident(name)),
            |name: &str| format!("OLD.{}", sql::ident(name)),
        );
        let follows = |one: &str, other: &str| {
            format!("ELSIF {} THEN {} := {};", self.equal(&is(one), &was(one)), is(one), is(other))
        };
        let sync = format!(
            "BEGIN\n    IF {} THEN RETURN NEW; END IF;\n    \
             IF TG_OP OPERATOR(pg_catalog.=) 'INSERT' THEN\n        {inserted}\n    \
             {}\n    {}\n    ELSE {refuse}\n    END IF;\n    \
             RETURN NEW;\nEND",
            self.equal(&old, &new),
            follows(beside, real),
            follows(real, beside),
        );
        let mirror = format!("BEGIN\n    {new} := {old};\n    RETURN NEW;\nEND");
        let seen = format!(
            "BEGIN\n    PERFORM pg_catalog.nextval({}), pg_catalog.setval({}, \
             pg_catalog.date_part('epoch', pg_catalog.clock_timestamp())::pg_catalog.int8);\n    RETURN NEW;\nEND",
            sql::literal(&self.ours("writes")),
            sql::literal(&self.ours("last")),
        );
        let function = |name: &str, more: &str, body: &str| {
            Sql::new(format!(
                "CREATE FUNCTION {}() RETURNS pg_catalog.trigger LANGUAGE plpgsql{more} AS {}",
                self.ours(name),
                sql::dollar_quoted(body)
            ))
        };
        vec![
            Sql::new(format!("CREATE SEQUENCE {}", self.ours("writes"))),
            Sql::new(format!("CREATE SEQUENCE {}", self.ours("last"))),
            function("sync", "", &sync),
            function("mirror", "", &mirror),
            // whoever writes may not use the sequences
            function("seen", " SECURITY DEFINER SET search_path = ''", &seen),
        ]
    }

    fn triggers(&self, table: &ObjectId, own: &str, other: &str) -> Vec<Sql> {
        let [seen, seen_new, sync, mirror] = self.trigger_names();
        let create = |name: &str, event: &str, when: &str, function: &str| {
            let when = if when.is_empty() { String::new() } else { format!(" WHEN ({when})") };
            Sql::new(format!(
                "CREATE TRIGGER {} BEFORE {event} ON {} FOR EACH ROW{when} EXECUTE FUNCTION {}()",
                sql::ident(name),
                table.sql(),
                self.ours(function)
            ))
        };
        let (own_is, other_is) = (format!("NEW.{own}"), format!("NEW.{other}"));
        let by_own_name = format!(
            "{} AND {}",
            self.differ(&format!("OLD.{own}"), &own_is),
            self.equal(&format!("OLD.{other}"), &other_is)
        );
        let mut all = vec![create(&seen, "UPDATE", &by_own_name, "seen")];
        let given_own = if self.volatile {
            "false".to_owned()
        } else {
            format!("{} AND {}", self.differ(&own_is, &self.unset()), self.equal(&other_is, &self.unset()))
        };
        all.push(create(&seen_new, "INSERT", &given_own, "seen"));
        all.push(create(&sync, "INSERT OR UPDATE", "", "sync"));
        all.push(create(&mirror, "INSERT OR UPDATE", &self.differ(&own_is, &other_is), "mirror"));
        // what replication applies is kept equal, too
        all.extend([sync, mirror].iter().map(|name| {
            Sql::new(format!("ALTER TABLE {} ENABLE ALWAYS TRIGGER {}", table.sql(), sql::ident(name)))
        }));
        all
    }

    /// The batches that fill one column with what is in the other, for each table that stores rows.
    fn fills(&self, lowering: &Lowering<'_>, real: &str, beside: &str) -> Vec<(ObjectId, Pass)> {
        let (own, other) = (sql::ident(real), sql::ident(beside));
        let fill = Fill {
            value: own.clone(),
            meanwhile: Meanwhile::Mirrored,
            rows: Some(self.differ(&own, &other)),
            reads: BTreeSet::from([real.to_owned()]),
            elsewhere: BTreeSet::new(),
            batch: BATCH,
        };
        let new = sql::ident(&self.new);
        let fills = lowering.storing(self.id).into_iter().map(|table| {
            // the column that has the rows is the one that is in the key
            let key = lowering.key_of(&table).into_iter();
            let key: Vec<(String, String)> = key
                .map(|(name, data_type)| (if name == new { own.clone() } else { name }, data_type))
                .collect();
            let column = column_of(&table, beside);
            let pass = Pass::new(&column, self.id.path.part(1), &fill, key);
            (column, pass)
        });
        fills.collect()
    }
}
