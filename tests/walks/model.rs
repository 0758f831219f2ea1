//! A database as the walks know it: objects that refer to each other by number, so that every name can change and
//! every reference follows, and the SQL that makes them.

use std::collections::{BTreeMap, BTreeSet};

use trueup::sql::{ident, literal, qualified};

pub type Id = u32;

/// Types of PostgreSQL's own, each with a value that may be its default.
pub const PLAIN: &[(&str, &str)] = &[
    ("integer", "1"),
    ("bigint", "2"),
    ("smallint", "3"),
    ("numeric(10,2)", "1.5"),
    ("numeric", "2.5"),
    ("text", "'x'"),
    ("character varying(20)", "'y'"),
    ("character varying(40)", "'z'"),
    ("boolean", "true"),
    ("date", "'2020-01-01'"),
    ("timestamp without time zone", "'2020-01-01 10:00'"),
    ("timestamp with time zone", "now()"),
    ("uuid", "'00000000-0000-0000-0000-000000000001'"),
    ("jsonb", "'{}'"),
    ("integer[]", "'{1,2}'"),
    ("text[]", "'{a}'"),
    ("interval", "'1 hour'"),
    ("inet", "'::1'"),
];
pub const INTEGER: Type = Type::Plain(0);
pub const TEXT: Type = Type::Plain(5);

/// What ranges are over.
pub const SUBTYPES: &[&str] = &["integer", "text", "date", "numeric"];

pub const LABELS: &[&str] = &["new", "open", "done", "it's \"odd\"", "late", "gone"];
pub const ATTRIBUTES: &[&str] = &["x", "y", "Street", "zip code", "w"];
pub const ROLES: &[&str] = &["reader", "writer", "Auditor \"1\"", "public"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    Plain(usize),
    Of(Id),
    ArrayOf(Id),
}

/// Something computed from a column, whatever its type is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expr {
    Column(Id),
    Text(Id),
    IsNull(Id),
    /// A function of anything.
    Call(Id, Id),
    /// A function over rows of the table that the column is of.
    Row(Id),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    Constant,
    Next(Id),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    Plain,
    Child(Id),
    /// Partitioned by the column `key`, which no edit touches.
    Root {
        by: usize,
    },
    Part {
        of: Id,
        number: usize,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// Of anything, to text. Immutable, so that indexes may use it.
    Anything,
    /// Of a row, read as a text: PostgreSQL does not know which column it uses.
    Row {
        table: Id,
        column: Id,
    },
    /// A count that PostgreSQL knows all about.
    Atomic {
        column: Id,
    },
    /// The same where it knows nothing.
    Plpgsql {
        column: Id,
    },
    /// From a type to it.
    Same(Type),
    SetOf {
        table: Id,
    },
    Trigger,
    Procedure,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Thing {
    Schema,
    Enum {
        labels: Vec<usize>,
    },
    Domain {
        base: Type,
        check: Option<usize>,
        default: bool,
        not_null: bool,
    },
    Composite {
        attributes: Vec<(usize, Type)>,
    },
    Range {
        subtype: usize,
    },
    Collation {
        deterministic: bool,
    },
    Sequence {
        increment: usize,
        cache: usize,
        cycle: bool,
        owner: Option<Id>,
    },
    Function {
        body: Body,
        argument: usize,
        number: usize,
        strict: bool,
        definer: bool,
    },
    Aggregate {
        start: usize,
    },
    Operator {
        function: Id,
    },
    Cast {
        function: Id,
    },
    Table {
        shape: Shape,
        unlogged: bool,
        fillfactor: Option<usize>,
        secured: bool,
        forced: bool,
        full: bool,
    },
    Column {
        of: Id,
        kind: Type,
        not_null: bool,
        default: Option<Value>,
        statistics: Option<usize>,
        collation: Option<Id>,
    },
    Generated {
        of: Id,
        expr: Expr,
    },
    Identity {
        of: Id,
        kind: usize,
        always: bool,
        start: usize,
    },
    Check {
        of: Id,
        expr: Expr,
        no_inherit: bool,
        not_valid: bool,
    },
    Key {
        of: Id,
        columns: Vec<Id>,
        primary: bool,
        deferrable: bool,
    },
    Foreign {
        of: Id,
        columns: Vec<Id>,
        key: Id,
        action: usize,
        deferrable: bool,
    },
    Index {
        of: Id,
        exprs: Vec<Expr>,
        unique: bool,
        filter: Option<Expr>,
        method: usize,
    },
    Statistics {
        of: Id,
        columns: Vec<Id>,
        kinds: usize,
    },
    View {
        over: Vec<Id>,
        materialized: bool,
        filter: Option<(usize, Id)>,
        barrier: bool,
    },
    Output {
        of: Id,
        over: usize,
        expr: Expr,
    },
    Trigger {
        of: Id,
        function: Id,
        when: Option<Id>,
        update_of: Option<Id>,
        before: bool,
        constraint: bool,
        enabled: usize,
    },
    Rule {
        of: Id,
        column: Id,
        event: usize,
    },
    Policy {
        of: Id,
        expr: Expr,
        command: usize,
        role: usize,
        restrictive: bool,
    },
    Publication {
        tables: Vec<Id>,
        events: usize,
    },
    Dictionary {
        stop: bool,
    },
    Configuration {
        dictionary: Id,
        tokens: usize,
    },
    Wrapper {
        option: Option<usize>,
    },
    Server {
        wrapper: Id,
        option: Option<usize>,
    },
    DefaultPrivileges {
        class: usize,
        role: usize,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// The schema, for what is in one.
    pub at: Option<Id>,
    pub name: String,
    pub thing: Thing,
    pub comment: Option<usize>,
    /// Role, and whether it may grant it on.
    pub grant: Option<(usize, bool)>,
}

impl Expr {
    pub fn needs(&self) -> Vec<Id> {
        match self {
            Expr::Column(column) | Expr::Text(column) | Expr::IsNull(column) => vec![*column],
            Expr::Call(function, column) => vec![*function, *column],
            Expr::Row(function) => vec![*function],
        }
    }
}

impl Type {
    fn needs(self) -> Option<Id> {
        match self {
            Type::Plain(_) => None,
            Type::Of(id) | Type::ArrayOf(id) => Some(id),
        }
    }
}

impl Thing {
    /// What it is directly made of, on or for.
    pub fn needs(&self) -> Vec<Id> {
        let mut needs = Vec::new();
        match self {
            Thing::Schema
            | Thing::Enum { .. }
            | Thing::Range { .. }
            | Thing::Collation { .. }
            | Thing::Aggregate { .. }
            | Thing::Dictionary { .. }
            | Thing::Wrapper { .. }
            | Thing::DefaultPrivileges { .. } => {}
            Thing::Domain { base, .. } => needs.extend(base.needs()),
            Thing::Composite { attributes } => {
                needs.extend(attributes.iter().filter_map(|(_, kind)| kind.needs()));
            }
            Thing::Sequence { owner, .. } => needs.extend(owner),
            Thing::Function { body, .. } => match body {
                Body::Anything | Body::Trigger | Body::Procedure => {}
                Body::Row { table, column } => needs.extend([table, column]),
                Body::Atomic { column } | Body::Plpgsql { column } => needs.push(*column),
                Body::Same(kind) => needs.extend(kind.needs()),
                Body::SetOf { table } => needs.push(*table),
            },
            Thing::Operator { function } | Thing::Cast { function } => needs.push(*function),
            Thing::Table { shape, .. } => match shape {
                Shape::Child(of) | Shape::Part { of, .. } => needs.push(*of),
                Shape::Plain | Shape::Root { .. } => {}
            },
            Thing::Column { of, kind, default, collation, .. } => {
                needs.push(*of);
                needs.extend(kind.needs());
                needs.extend(collation);
                if let Some(Value::Next(sequence)) = default {
                    needs.push(*sequence);
                }
            }
            Thing::Generated { of, expr }
            | Thing::Check { of, expr, .. }
            | Thing::Policy { of, expr, .. } => {
                needs.push(*of);
                needs.extend(expr.needs());
            }
            Thing::Identity { of, .. } => needs.push(*of),
            Thing::Key { of, columns, .. } | Thing::Statistics { of, columns, .. } => {
                needs.push(*of);
                needs.extend(columns);
            }
            Thing::Foreign { of, columns, key, .. } => {
                needs.extend([of, key]);
                needs.extend(columns);
            }
            Thing::Index { of, exprs, filter, .. } => {
                needs.push(*of);
                needs.extend(exprs.iter().chain(filter).flat_map(Expr::needs));
            }
            Thing::View { over, filter, .. } => {
                needs.extend(over);
                needs.extend(filter.as_ref().map(|(_, column)| *column));
            }
            Thing::Output { of, expr, .. } => {
                needs.push(*of);
                needs.extend(expr.needs());
            }
            Thing::Trigger { of, function, when, update_of, .. } => {
                needs.extend([of, function]);
                needs.extend(when.iter().chain(update_of));
            }
            Thing::Rule { of, column, .. } => needs.extend([of, column]),
            Thing::Publication { tables, .. } => needs.extend(tables),
            Thing::Configuration { dictionary, .. } => needs.push(*dictionary),
            Thing::Server { wrapper, .. } => needs.push(*wrapper),
        }
        needs
    }

    /// The relation that it is a part of.
    pub fn of(&self) -> Option<Id> {
        match self {
            Thing::Column { of, .. }
            | Thing::Generated { of, .. }
            | Thing::Identity { of, .. }
            | Thing::Check { of, .. }
            | Thing::Key { of, .. }
            | Thing::Foreign { of, .. }
            | Thing::Index { of, .. }
            | Thing::Statistics { of, .. }
            | Thing::Output { of, .. }
            | Thing::Trigger { of, .. }
            | Thing::Rule { of, .. }
            | Thing::Policy { of, .. } => Some(*of),
            _ => None,
        }
    }

    pub fn is_column(&self) -> bool {
        matches!(
            self,
            Thing::Column { .. } | Thing::Generated { .. } | Thing::Identity { .. } | Thing::Output { .. }
        )
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Model {
    pub objects: BTreeMap<Id, Object>,
    pub next: Id,
}

impl Model {
    pub fn thing(&self, id: Id) -> &Thing {
        &self.objects[&id].thing
    }

    pub fn all(&self, is: impl Fn(&Thing) -> bool) -> Vec<Id> {
        self.objects.iter().filter(|(_, object)| is(&object.thing)).map(|(id, _)| *id).collect()
    }

    pub fn add(&mut self, object: Object) -> Id {
        self.next += 1;
        self.objects.insert(self.next, object);
        self.next
    }

    /// An object and everything that cannot be without it.
    pub fn closure(&self, id: Id) -> BTreeSet<Id> {
        let mut gone = BTreeSet::from([id]);
        loop {
            let more: Vec<Id> = self
                .objects
                .iter()
                .filter(|(id, object)| {
                    let needs = object.thing.needs();
                    !gone.contains(id) && needs.iter().chain(&object.at).any(|need| gone.contains(need))
                })
                .map(|(id, _)| *id)
                .collect();
            if more.is_empty() {
                return gone;
            }
            gone.extend(more);
        }
    }

    /// The parent of a table, if it has one.
    pub fn parent(&self, table: Id) -> Option<Id> {
        match self.thing(table) {
            Thing::Table { shape: Shape::Child(of) | Shape::Part { of, .. }, .. } => Some(*of),
            _ => None,
        }
    }

    /// The columns of a relation, those of its ancestors included.
    pub fn columns(&self, relation: Id) -> Vec<Id> {
        let mut columns = self.parent(relation).map(|parent| self.columns(parent)).unwrap_or_default();
        columns.extend(self.all(|thing| thing.is_column() && thing.of() == Some(relation)));
        columns
    }

    /// The uppermost ancestor.
    pub fn root(&self, table: Id) -> Id {
        self.parent(table).map_or(table, |parent| self.root(parent))
    }

    pub fn is_root(&self, table: Id) -> bool {
        matches!(self.thing(table), Thing::Table { shape: Shape::Root { .. }, .. })
    }

    pub fn name(&self, id: Id) -> String {
        let object = &self.objects[&id];
        match object.at {
            Some(at) => qualified(&[self.objects[&at].name.as_str(), object.name.as_str()]),
            None => ident(&object.name),
        }
    }

    fn own(&self, id: Id) -> String {
        ident(&self.objects[&id].name)
    }

    fn names(&self, ids: &[Id]) -> String {
        ids.iter().map(|id| self.own(*id)).collect::<Vec<_>>().join(", ")
    }

    fn kind(&self, kind: Type) -> String {
        match kind {
            Type::Plain(at) => PLAIN[at].0.to_owned(),
            Type::Of(id) => self.name(id),
            Type::ArrayOf(id) => format!("{}[]", self.name(id)),
        }
    }

    fn constant(&self, kind: Type) -> Option<String> {
        let Type::Of(id) = kind else {
            return match kind {
                Type::Plain(at) => Some(PLAIN[at].1.to_owned()),
                _ => Some("'{}'".to_owned()),
            };
        };
        match self.thing(id) {
            Thing::Enum { labels } => Some(literal(LABELS[labels[0]])),
            Thing::Domain { base, .. } => self.constant(*base),
            Thing::Range { .. } => Some("'empty'".to_owned()),
            _ => None,
        }
    }

    /// With the prefix that the relation's columns have there.
    fn expr(&self, expr: &Expr, prefix: &str, row: &str) -> String {
        match expr {
            Expr::Column(column) => format!("{prefix}{}", self.own(*column)),
            Expr::Text(column) => format!("({prefix}{})::text", self.own(*column)),
            Expr::IsNull(column) => format!("({prefix}{} IS NULL)", self.own(*column)),
            Expr::Call(function, column) => {
                format!("{}({prefix}{})", self.name(*function), self.own(*column))
            }
            Expr::Row(function) => format!("{}({row})", self.name(*function)),
        }
    }

    fn column(&self, id: Id) -> String {
        let name = self.own(id);
        match self.thing(id) {
            Thing::Column { kind, not_null, default, collation, .. } => {
                let mut text = format!("{name} {}", self.kind(*kind));
                if let Some(collation) = collation {
                    text.push_str(&format!(" COLLATE {}", self.name(*collation)));
                }
                match default {
                    Some(Value::Constant) => {
                        text.extend(self.constant(*kind).map(|value| format!(" DEFAULT {value}")));
                    }
                    Some(Value::Next(sequence)) => {
                        text.push_str(&format!(" DEFAULT nextval({})", literal(&self.name(*sequence))));
                    }
                    None => {}
                }
                if *not_null {
                    text.push_str(" NOT NULL");
                }
                text
            }
            Thing::Generated { of, expr } => {
                let kind = if matches!(expr, Expr::IsNull(_)) { "boolean" } else { "text" };
                let value = self.expr(expr, "", &self.own(*of));
                format!("{name} {kind} GENERATED ALWAYS AS ({value}) STORED")
            }
            Thing::Identity { kind, always, start, .. } => {
                let when = if *always { "ALWAYS" } else { "BY DEFAULT" };
                let kind = ["integer", "bigint"][*kind];
                format!("{name} {kind} GENERATED {when} AS IDENTITY (START WITH {})", start + 1)
            }
            _ => name,
        }
    }

    /// All of it, in an order in which it loads.
    pub fn sql(&self) -> String {
        let mut writer = Writer { model: self, done: BTreeSet::new(), sql: String::new() };
        // what is given to later objects would depend on what is later
        let late = |id: &&Id| matches!(self.thing(**id), Thing::DefaultPrivileges { .. });
        // whether partitions have it validated hangs on which of them come later: as in a dump, none
        let unproven = |id: &&Id| matches!(self.thing(**id), Thing::Check { not_valid: true, .. });
        for id in self.objects.keys().filter(|id| !late(id) && !unproven(id)) {
            writer.write(*id);
        }
        for id in self.objects.keys().filter(unproven) {
            writer.write(*id);
        }
        for id in self.objects.keys() {
            writer.about(*id);
        }
        for id in self.objects.keys().filter(late) {
            writer.write(*id);
        }
        writer.sql
    }
}

struct Writer<'a> {
    model: &'a Model,
    done: BTreeSet<Id>,
    sql: String,
}

impl Writer<'_> {
    fn say(&mut self, statement: &str) {
        self.sql.push_str(statement);
        self.sql.push_str(";\n");
    }

    fn write(&mut self, id: Id) {
        if !self.done.insert(id) {
            return;
        }
        let model = self.model;
        let object = &model.objects[&id];
        for need in object.thing.needs().into_iter().chain(object.at) {
            // what a view gives out is made with it
            self.write(need);
        }
        if let Thing::View { .. } = &object.thing {
            for output in model.columns(id) {
                for need in model.thing(output).needs() {
                    self.write(need);
                }
            }
        }
        if let Thing::Table { .. } = &object.thing {
            self.table(id);
            return;
        }
        for statement in self.statements(id) {
            self.say(&statement);
        }
    }

    /// A table with those columns that need nothing that needs the table.
    fn table(&mut self, id: Id) {
        let model = self.model;
        let Thing::Table { shape, unlogged, fillfactor, secured, forced, full } = model.thing(id) else {
            return;
        };
        let mut inline: Vec<Id> = Vec::new();
        for column in model.all(|thing| thing.is_column() && thing.of() == Some(id)) {
            let needs = model.thing(column).needs();
            if needs.iter().all(|need| *need == id || inline.contains(need) || self.free_of(*need, id)) {
                inline.push(column);
            }
        }
        for column in &inline {
            for need in model.thing(*column).needs().into_iter().filter(|need| !inline.contains(need)) {
                self.write(need);
            }
        }
        self.done.extend(&inline);
        let mut columns: Vec<String> = inline.iter().map(|column| model.column(*column)).collect();
        let name = model.name(id);
        let how = if *unlogged { "UNLOGGED " } else { "" };
        let with = fillfactor.map(|factor| format!(" WITH (fillfactor={})", 50 + factor)).unwrap_or_default();
        let text = match shape {
            Shape::Plain => format!("CREATE {how}TABLE {name} ({}){with}", columns.join(", ")),
            Shape::Child(of) => {
                format!(
                    "CREATE {how}TABLE {name} ({}) INHERITS ({}){with}",
                    columns.join(", "),
                    model.name(*of)
                )
            }
            Shape::Root { by } => {
                columns.push("key integer NOT NULL".to_owned());
                let by = ["LIST", "RANGE", "HASH"][*by];
                format!("CREATE TABLE {name} ({}) PARTITION BY {by} (key)", columns.join(", "))
            }
            Shape::Part { of, number } => {
                let Thing::Table { shape: Shape::Root { by }, .. } = model.thing(*of) else { unreachable!() };
                let bound = match by {
                    _ if *number == 0 && *by < 2 => "DEFAULT".to_owned(),
                    0 => format!("FOR VALUES IN ({number})"),
                    1 => format!("FOR VALUES FROM ({}) TO ({})", number * 10, number * 10 + 10),
                    _ => format!("FOR VALUES WITH (MODULUS 16, REMAINDER {number})"),
                };
                format!("CREATE {how}TABLE {name} PARTITION OF {} {bound}{with}", model.name(*of))
            }
        };
        self.say(&text);
        for column in inline {
            self.set_column(column);
        }
        if *secured {
            self.say(&format!("ALTER TABLE {name} ENABLE ROW LEVEL SECURITY"));
        }
        if *forced {
            self.say(&format!("ALTER TABLE {name} FORCE ROW LEVEL SECURITY"));
        }
        if *full {
            self.say(&format!("ALTER TABLE {name} REPLICA IDENTITY FULL"));
        }
    }

    /// Whether it can be written before the table.
    fn free_of(&self, id: Id, table: Id) -> bool {
        if self.done.contains(&id) && id != table {
            return true;
        }
        let object = &self.model.objects[&id];
        id != table && object.thing.needs().into_iter().chain(object.at).all(|need| self.free_of(need, table))
    }

    fn set_column(&mut self, id: Id) {
        if let Thing::Column { of, statistics: Some(target), .. } = self.model.thing(id) {
            let (table, name) = (self.model.name(*of), self.model.own(id));
            // as a dump says it: not of those that inherit
            self.say(&format!(
                "ALTER TABLE ONLY {table} ALTER COLUMN {name} SET STATISTICS {}",
                100 + target
            ));
        }
    }

    fn statements(&mut self, id: Id) -> Vec<String> {
        let model = self.model;
        let name = model.name(id);
        let own = model.own(id);
        let on = model.thing(id).of().map(|of| model.name(of)).unwrap_or_default();
        let deferral = |deferrable: bool| if deferrable { " DEFERRABLE INITIALLY DEFERRED" } else { "" };
        let one = match model.thing(id) {
            Thing::Schema => format!("CREATE SCHEMA {name}"),
            Thing::Enum { labels } => {
                let labels: Vec<String> = labels.iter().map(|label| literal(LABELS[*label])).collect();
                format!("CREATE TYPE {name} AS ENUM ({})", labels.join(", "))
            }
            Thing::Domain { base, check, default, not_null } => {
                let mut text = format!("CREATE DOMAIN {name} AS {}", model.kind(*base));
                if *default {
                    text.extend(model.constant(*base).map(|value| format!(" DEFAULT {value}")));
                }
                if *not_null {
                    text.push_str(" NOT NULL");
                }
                if let Some(check) = check {
                    text.push_str(&format!(" CONSTRAINT sound CHECK (VALUE::text <> 'bad{check}')"));
                }
                text
            }
            Thing::Composite { attributes } => {
                let each = attributes
                    .iter()
                    .map(|(at, kind)| format!("{} {}", ident(ATTRIBUTES[*at]), model.kind(*kind)));
                format!("CREATE TYPE {name} AS ({})", each.collect::<Vec<_>>().join(", "))
            }
            Thing::Range { subtype } => {
                format!("CREATE TYPE {name} AS RANGE (SUBTYPE = {})", SUBTYPES[*subtype])
            }
            Thing::Collation { deterministic } => {
                format!(
                    "CREATE COLLATION {name} (PROVIDER = icu, LOCALE = 'en', DETERMINISTIC = {deterministic})"
                )
            }
            Thing::Sequence { increment, cache, cycle, owner } => {
                let cycle = if *cycle { " CYCLE" } else { "" };
                let owner = owner.map(|column| {
                    let table = model.thing(column).of().unwrap();
                    format!(" OWNED BY {}.{}", model.name(table), model.own(column))
                });
                let owner = owner.unwrap_or_default();
                format!(
                    "CREATE SEQUENCE {name} INCREMENT {} CACHE {}{cycle}{owner}",
                    increment + 1,
                    cache + 1
                )
            }
            Thing::Function { body, argument, number, strict, definer } => {
                self.function(id, body, *argument, *number, *strict, *definer)
            }
            Thing::Aggregate { start } => {
                format!(
                    "CREATE AGGREGATE {name} (integer) (SFUNC = int4larger, STYPE = integer, INITCOND = {})",
                    literal(&start.to_string())
                )
            }
            Thing::Operator { function } => {
                let schema = ident(&model.objects[&model.objects[&id].at.unwrap()].name);
                let Thing::Function { body: Body::Same(kind), .. } = model.thing(*function) else {
                    unreachable!()
                };
                let kind = model.kind(*kind);
                format!(
                    "CREATE OPERATOR {schema}.{} (FUNCTION = {}, RIGHTARG = {kind})",
                    operator(id),
                    model.name(*function)
                )
            }
            Thing::Cast { function } => {
                let Thing::Function { body: Body::Row { table, .. }, .. } = model.thing(*function) else {
                    unreachable!()
                };
                let table = model.name(*table);
                format!("CREATE CAST ({table} AS text) WITH FUNCTION {}({table})", model.name(*function))
            }
            Thing::Table { .. } | Thing::Output { .. } => return Vec::new(),
            Thing::Column { .. } | Thing::Generated { .. } | Thing::Identity { .. } => {
                let add = format!("ALTER TABLE {on} ADD COLUMN {}", model.column(id));
                self.say(&add);
                self.set_column(id);
                return Vec::new();
            }
            Thing::Check { expr, no_inherit, not_valid, of } => {
                let expr = model.expr(expr, "", &format!("{}.*", model.own(*of)));
                let tail = format!(
                    "{}{}",
                    if *no_inherit { " NO INHERIT" } else { "" },
                    if *not_valid { " NOT VALID" } else { "" }
                );
                format!("ALTER TABLE {on} ADD CONSTRAINT {own} CHECK ({expr} IS NOT NULL){tail}")
            }
            Thing::Key { of, columns, primary, deferrable } => {
                let sort = if *primary { "PRIMARY KEY" } else { "UNIQUE" };
                let mut columns = model.names(columns);
                if model.is_root(*of) {
                    columns.push_str(", key");
                }
                format!("ALTER TABLE {on} ADD CONSTRAINT {own} {sort} ({columns}){}", deferral(*deferrable))
            }
            Thing::Foreign { columns, key, action, deferrable, .. } => {
                let Thing::Key { of, columns: target, .. } = model.thing(*key) else { unreachable!() };
                let action = ["", " ON DELETE CASCADE", " ON UPDATE CASCADE ON DELETE SET NULL"][*action];
                format!(
                    "ALTER TABLE {on} ADD CONSTRAINT {own} FOREIGN KEY ({}) REFERENCES {} ({}){action}{}",
                    model.names(columns),
                    model.name(*of),
                    model.names(target),
                    deferral(*deferrable)
                )
            }
            Thing::Index { exprs, unique, filter, method, .. } => {
                let unique = if *unique { "UNIQUE " } else { "" };
                let exprs: Vec<String> = exprs
                    .iter()
                    .map(|expr| match expr {
                        Expr::Column(_) => model.expr(expr, "", ""),
                        _ => format!("({})", model.expr(expr, "", "")),
                    })
                    .collect();
                let filter = filter
                    .as_ref()
                    .map(|filter| format!(" WHERE {} IS NOT NULL", model.expr(filter, "", "")));
                let (method, options) =
                    [("btree", ""), ("hash", ""), ("btree", " WITH (fillfactor=70)")][*method];
                format!(
                    "CREATE {unique}INDEX {own} ON {on} USING {method} ({}){options}{}",
                    exprs.join(", "),
                    filter.unwrap_or_default()
                )
            }
            Thing::Statistics { columns, kinds, .. } => {
                let kinds = ["", " (ndistinct)", " (dependencies, mcv)"][*kinds];
                format!("CREATE STATISTICS {name}{kinds} ON {} FROM {on}", model.names(columns))
            }
            Thing::View { over, materialized, filter, barrier } => {
                let outputs = model.columns(id).into_iter().filter_map(|output| {
                    let Thing::Output { over, expr, .. } = model.thing(output) else { return None };
                    let value = model.expr(expr, &format!("r{over}."), &format!("r{over}.*"));
                    Some(format!("{value} AS {}", model.own(output)))
                });
                let mut outputs: Vec<String> = outputs.collect();
                if outputs.is_empty() {
                    outputs.push("1 AS one".to_owned());
                }
                let from: Vec<String> = over
                    .iter()
                    .enumerate()
                    .map(|(at, id)| {
                        let call = if matches!(model.thing(*id), Thing::Function { .. }) { "()" } else { "" };
                        format!("{}{call} AS r{at}", model.name(*id))
                    })
                    .collect();
                let filter = filter
                    .as_ref()
                    .map(|(at, column)| format!(" WHERE r{at}.{} IS NOT NULL", model.own(*column)));
                let sort = if *materialized { "MATERIALIZED VIEW" } else { "VIEW" };
                let with = if *barrier && !materialized { " WITH (security_barrier=true)" } else { "" };
                let select = format!(
                    "SELECT {} FROM {}{}",
                    outputs.join(", "),
                    from.join(", "),
                    filter.unwrap_or_default()
                );
                format!("CREATE {sort} {name}{with} AS {select}")
            }
            Thing::Trigger { of, function, when, update_of, before, constraint, enabled } => {
                let columns =
                    update_of.map(|column| format!(" OF {}", model.own(column))).unwrap_or_default();
                let view = matches!(model.thing(*of), Thing::View { .. });
                let (sort, at) = match (constraint, before) {
                    _ if view => ("", "INSTEAD OF"),
                    (true, _) => ("CONSTRAINT ", "AFTER"),
                    (false, true) => ("", "BEFORE"),
                    (false, false) => ("", "AFTER"),
                };
                let deferral = if *constraint && !view { " DEFERRABLE" } else { "" };
                let when = when
                    .filter(|_| !view)
                    .map(|column| format!(" WHEN (NEW.{} IS NOT NULL)", model.own(column)));
                self.say(&format!(
                    "CREATE {sort}TRIGGER {own} {at} UPDATE{columns} ON {on}{deferral} FOR EACH ROW{} EXECUTE FUNCTION {}()",
                    when.unwrap_or_default(), model.name(*function)
                ));
                match enabled {
                    1 if !view => format!("ALTER TABLE {on} DISABLE TRIGGER {own}"),
                    2 if !view => format!("ALTER TABLE {on} ENABLE ALWAYS TRIGGER {own}"),
                    _ => return Vec::new(),
                }
            }
            Thing::Rule { column, event, .. } => {
                let event = ["INSERT", "UPDATE"][*event];
                format!(
                    "CREATE RULE {own} AS ON {event} TO {on} WHERE NEW.{} IS NULL DO ALSO NOTHING",
                    model.own(*column)
                )
            }
            Thing::Policy { of, expr, command, role, restrictive } => {
                let expr = model.expr(expr, "", &format!("{}.*", model.own(*of)));
                let command = ["ALL", "SELECT", "UPDATE"][*command];
                let sort = if *restrictive { " AS RESTRICTIVE" } else { "" };
                let role = role_name(*role);
                format!(
                    "CREATE POLICY {own} ON {on}{sort} FOR {command} TO {role} USING ({expr} IS NOT NULL)"
                )
            }
            Thing::Publication { tables, events } => {
                let tables: Vec<String> = tables.iter().map(|table| model.name(*table)).collect();
                let tables = if tables.is_empty() {
                    String::new()
                } else {
                    format!(" FOR TABLE ONLY {}", tables.join(", ONLY "))
                };
                format!(
                    "CREATE PUBLICATION {name}{tables} WITH (publish = '{}')",
                    ["insert", "insert, update", "truncate"][*events]
                )
            }
            Thing::Dictionary { stop } => {
                let stop = if *stop { ", ACCEPT = false" } else { "" };
                format!("CREATE TEXT SEARCH DICTIONARY {name} (TEMPLATE = pg_catalog.simple{stop})")
            }
            Thing::Configuration { dictionary, tokens } => {
                self.say(&format!(
                    "CREATE TEXT SEARCH CONFIGURATION {name} (PARSER = pg_catalog.\"default\")"
                ));
                let tokens = ["asciiword", "asciiword, word", "email"][*tokens];
                format!(
                    "ALTER TEXT SEARCH CONFIGURATION {name} ADD MAPPING FOR {tokens} WITH {}",
                    model.name(*dictionary)
                )
            }
            Thing::Wrapper { option } => format!("CREATE FOREIGN DATA WRAPPER {name}{}", options(*option)),
            Thing::Server { wrapper, option } => {
                format!(
                    "CREATE SERVER {name} FOREIGN DATA WRAPPER {}{}",
                    model.name(*wrapper),
                    options(*option)
                )
            }
            Thing::DefaultPrivileges { class, role } => {
                let schema = ident(&model.objects[&model.objects[&id].at.unwrap()].name);
                let (privilege, class) = [
                    ("SELECT", "TABLES"),
                    ("USAGE", "SEQUENCES"),
                    ("EXECUTE", "FUNCTIONS"),
                    ("USAGE", "TYPES"),
                ][*class];
                format!(
                    "ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT {privilege} ON {class} TO {}",
                    role_name(*role)
                )
            }
        };
        vec![one]
    }

    fn function(
        &self,
        id: Id,
        body: &Body,
        argument: usize,
        number: usize,
        strict: bool,
        definer: bool,
    ) -> String {
        let model = self.model;
        let name = model.name(id);
        let argument = ["p", "q", "what"][argument];
        let mut marks = String::new();
        if strict {
            marks.push_str(" STRICT");
        }
        if definer {
            marks.push_str(" SECURITY DEFINER");
        }
        let table_of = |column: Id| model.name(model.thing(column).of().unwrap());
        match body {
            Body::Anything => format!(
                "CREATE FUNCTION {name}({argument} anyelement) RETURNS text LANGUAGE sql IMMUTABLE{marks} AS $$ SELECT {argument}::text || '{number}' $$"
            ),
            Body::Row { table, column } => format!(
                "CREATE FUNCTION {name}({argument} {}) RETURNS text LANGUAGE sql IMMUTABLE{} AS $$ SELECT ({argument}.{})::text || '{number}' $$",
                model.name(*table),
                if definer { " SECURITY DEFINER" } else { "" },
                model.own(*column)
            ),
            Body::Atomic { column } => format!(
                "CREATE FUNCTION {name}({argument} integer) RETURNS bigint LANGUAGE sql{marks} BEGIN ATOMIC SELECT count({}) + {argument} + {number} FROM {}; END",
                model.own(*column),
                table_of(*column)
            ),
            Body::Plpgsql { column } => format!(
                "CREATE FUNCTION {name}({argument} integer) RETURNS bigint LANGUAGE plpgsql{marks} AS $$ BEGIN RETURN (SELECT count({}) + {number} FROM {}); END $$",
                model.own(*column),
                table_of(*column)
            ),
            Body::Same(kind) => {
                let kind = model.kind(*kind);
                format!(
                    "CREATE FUNCTION {name}({argument} {kind}) RETURNS {kind} LANGUAGE sql IMMUTABLE{marks} AS $$ SELECT {argument} WHERE {number} >= 0 $$"
                )
            }
            Body::SetOf { table } => {
                let table = model.name(*table);
                format!(
                    "CREATE FUNCTION {name}() RETURNS SETOF {table} LANGUAGE sql STABLE AS $$ SELECT * FROM {table} LIMIT {number} $$"
                )
            }
            Body::Trigger => format!(
                "CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM {number}; RETURN NEW; END $$"
            ),
            Body::Procedure => format!(
                "CREATE PROCEDURE {name}({argument} integer, INOUT result text DEFAULT '{number}') LANGUAGE sql AS $$ SELECT '{number}' $$"
            ),
        }
    }

    /// Its comment and its privileges.
    fn about(&mut self, id: Id) {
        let model = self.model;
        let object = &model.objects[&id];
        let Some((sort, name, class)) = address(model, id) else { return };
        if let Some(comment) = object.comment {
            self.say(&format!("COMMENT ON {sort} {name} IS 'says {comment}'"));
        }
        let (Some((role, option)), Some(class)) = (object.grant, class) else { return };
        let option = if option && ROLES[role] != "public" { " WITH GRANT OPTION" } else { "" };
        let role = role_name(role);
        let text = match &object.thing {
            Thing::Column { of, .. } | Thing::Output { of, .. } => {
                format!("GRANT SELECT ({}) ON TABLE {} TO {role}{option}", model.own(id), model.name(*of))
            }
            _ => format!("GRANT {class} {name} TO {role}{option}"),
        };
        self.say(&text);
    }
}

pub fn operator(id: Id) -> String {
    // any number as an operator: no two letters of it are a comment
    let mut text = "@".to_owned();
    let mut rest = id;
    while rest > 0 {
        text.push(['#', '&', '|', '%'][usize::try_from(rest % 4).unwrap()]);
        rest /= 4;
    }
    text.push('@');
    text
}

fn role_name(role: usize) -> String {
    if ROLES[role] == "public" { "PUBLIC".to_owned() } else { ident(ROLES[role]) }
}

fn options(option: Option<usize>) -> String {
    option.map(|option| format!(" OPTIONS (debug '{option}')")).unwrap_or_default()
}

/// How COMMENT ON knows an object, and what GRANT says, where there are privileges.
fn address(model: &Model, id: Id) -> Option<(&'static str, String, Option<&'static str>)> {
    let object = &model.objects[&id];
    let name = model.name(id);
    let on = |of: Id| format!("{} ON {}", model.own(id), model.name(of));
    Some(match &object.thing {
        Thing::Schema => ("SCHEMA", name, Some("USAGE ON SCHEMA")),
        Thing::Enum { .. } | Thing::Composite { .. } | Thing::Range { .. } => {
            ("TYPE", name, Some("USAGE ON TYPE"))
        }
        Thing::Domain { .. } => ("DOMAIN", name, Some("USAGE ON TYPE")),
        Thing::Collation { .. } => ("COLLATION", name, None),
        Thing::Sequence { .. } => ("SEQUENCE", name, Some("USAGE ON SEQUENCE")),
        Thing::Function { .. } => ("ROUTINE", name, Some("EXECUTE ON ROUTINE")),
        Thing::Aggregate { .. } => {
            ("AGGREGATE", format!("{name} (integer)"), Some("EXECUTE ON FUNCTION")).clone()
        }
        Thing::Table { .. } => ("TABLE", name, Some("SELECT, INSERT ON TABLE")),
        Thing::Column { of, .. } | Thing::Output { of, .. } => {
            ("COLUMN", format!("{}.{}", model.name(*of), model.own(id)), Some("SELECT"))
        }
        Thing::Generated { of, .. } | Thing::Identity { of, .. } => {
            ("COLUMN", format!("{}.{}", model.name(*of), model.own(id)), None)
        }
        Thing::Check { of, .. } | Thing::Key { of, .. } | Thing::Foreign { of, .. } => {
            ("CONSTRAINT", on(*of), None)
        }
        Thing::Index { .. } => {
            let of = object.thing.of().unwrap();
            let schema = &model.objects[&model.objects[&of].at.unwrap()].name;
            ("INDEX", qualified(&[schema.as_str(), object.name.as_str()]), None)
        }
        Thing::Statistics { .. } => ("STATISTICS", name, None),
        Thing::View { materialized: false, .. } => ("VIEW", name, Some("SELECT ON TABLE")),
        Thing::View { materialized: true, .. } => ("MATERIALIZED VIEW", name, Some("SELECT ON TABLE")),
        Thing::Trigger { of, .. } => ("TRIGGER", on(*of), None),
        Thing::Rule { of, .. } => ("RULE", on(*of), None),
        Thing::Policy { of, .. } => ("POLICY", on(*of), None),
        Thing::Publication { .. } => ("PUBLICATION", name, None),
        Thing::Dictionary { .. } => ("TEXT SEARCH DICTIONARY", name, None),
        Thing::Configuration { .. } => ("TEXT SEARCH CONFIGURATION", name, None),
        Thing::Wrapper { .. } => ("FOREIGN DATA WRAPPER", name, Some("USAGE ON FOREIGN DATA WRAPPER")),
        Thing::Server { .. } => ("SERVER", name, Some("USAGE ON FOREIGN SERVER")),
        Thing::Operator { .. } | Thing::Cast { .. } | Thing::DefaultPrivileges { .. } => return None,
    })
}
