//! Columns of tables. The default is an object of its own, since it may need what needs the table.

use serde::{Deserialize, Serialize};

use super::{
    Alter, Ddl, Definition, Options, OptionsOf, TableDdl, Touch, fdw_changes, fdw_options, not_null::NotNull, option_changes, sequence::SequenceOptions,
};
use crate::{name::{Kind, ObjectId, Pair}, sql::{self, Sql}};

/// A column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// The type with its modifier, as `format_type` prints it.
    #[serde(rename = "type")]
    pub data_type: String,
    /// The type without its modifier.
    pub base_type: String,
    /// The collation where it is not the type's own.
    pub collation: Option<String>,
    /// Whether NULL is refused.
    pub not_null: bool,
    /// What is special about the constraint that refuses it (18 and later).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_null_as: Option<NotNull>,
    /// For an identity column, how it gets its values.
    pub identity: Option<Identity>,
    /// For a generated column, how it is computed.
    pub generated: Option<Generated>,
    /// How its values are stored and what is known of them.
    #[serde(flatten)]
    pub settings: ColumnSettings,
    /// Of a foreign table's column: what it is there.
    #[serde(default, skip_serializing_if = "nothing")]
    pub foreign_options: Options,
    /// Where it stands and where it comes from: no difference between schemas.
    #[serde(flatten, skip_serializing)]
    pub lineage: Lineage,
    /// What follows from the type.
    #[serde(default, skip_serializing)]
    pub facts: Box<TypeFacts>,
}

/// How the values of a column are stored and what is known of them. The columns of materialized views have this, too.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnSettings {
    /// The storage mode where it is not the type's own: `main`, `external` …
    pub storage: Option<String>,
    /// The compression method where it is set.
    pub compression: Option<String>,
    /// The statistics target where it is set.
    pub statistics: Option<i32>,
    /// `n_distinct` and the like.
    pub options: Options,
}

impl ColumnSettings {
    /// What follows ALTER COLUMN and the name, to get from one to the other.
    pub fn changes(pair: Pair<&Self>, facts: &TypeFacts) -> Vec<String> {
        let Self { storage, compression, statistics, options } = pair.after;
        let before = pair.before;
        let mut clauses = Vec::new();
        if *storage != before.storage {
            // SET STORAGE DEFAULT is only known to 16 and later
            clauses.push(format!("SET STORAGE {}", storage.as_ref().unwrap_or(&facts.storage).to_uppercase()));
        }
        if *compression != before.compression {
            clauses.push(format!("SET COMPRESSION {}", compression.as_deref().unwrap_or("default")));
        }
        if *statistics != before.statistics {
            clauses.push(format!("SET STATISTICS {}", statistics.unwrap_or(-1)));
        }
        clauses.extend(option_changes(Pair::new(&before.options, options)));
        clauses
    }
}

/// What is known of a column's type and table: no difference between columns that the type itself is not.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TypeFacts {
    /// The type without its modifier; for a domain, and an array of one, the type that it is over.
    #[serde(default)]
    pub plain_type: String,
    /// The storage mode that the type gives its columns.
    pub storage: String,
    /// Whether the values are elsewhere, in a foreign table: then nothing converts them.
    #[serde(default)]
    pub foreign: bool,
    /// Of texts: how many characters there may be, if there is a limit.
    #[serde(default)]
    pub length: Option<u32>,
    /// Of numbers and times: how many digits there are behind the point, if there is a limit. Fewer than none round further.
    #[serde(default)]
    pub decimals: Option<i32>,
    /// The name of the constraint that refuses NULL (18 and later).
    #[serde(default)]
    pub not_null: Option<String>,
    /// Whether it stays when that of the parents goes (18 and later).
    #[serde(default)]
    pub own_not_null: Option<bool>,
}

fn nothing(options: &Options) -> bool {
    options.is_empty()
}

impl PartialEq for TypeFacts {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for TypeFacts {}

/// What distinguishes two readings of one schema without being a difference between them.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Lineage {
    /// The place among the columns; of indexes and keys, among those of the table as they were made.
    #[serde(default)]
    pub position: i32,
    /// Whether it comes only from a parent.
    #[serde(default)]
    pub inherited: bool,
    /// The partitioned table or the parents that have it, too, nearest first.
    #[serde(default)]
    pub parents: Vec<Vec<String>>,
    /// Whether the relation is a partition.
    #[serde(default)]
    pub partition: bool,
}

impl PartialEq for Lineage {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Lineage {}

/// How an identity column gets its values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Whether only OVERRIDING SYSTEM VALUE can set it.
    pub always: bool,
    /// Schema and name of its sequence.
    pub sequence: Vec<String>,
    /// What the sequence counts.
    #[serde(flatten)]
    pub options: SequenceOptions,
}

/// How a generated column is computed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Generated {
    /// Over the other columns of the row.
    pub expression: String,
    /// Whether it is kept in the row; if not, it is computed when it is read (18 and later).
    pub stored: bool,
}

impl Identity {
    pub(crate) fn clause(&self, id: &ObjectId) -> String {
        let Self { always, sequence, options } = self;
        let mut inner = options.clauses();
        let usual = [id.path.part(0).to_owned(), format!("{}_{}_seq", id.path.part(1), id.path.last())];
        if *sequence != usual {
            inner.insert(0, format!("SEQUENCE NAME {}", sql::qualified(sequence)));
        }
        let inner = if inner.is_empty() { String::new() } else { format!(" ({})", inner.join(" ")) };
        format!("GENERATED {} AS IDENTITY{inner}", if *always { "ALWAYS" } else { "BY DEFAULT" })
    }
}

impl Column {
    /// The column as CREATE TABLE and ADD COLUMN have it, with its default.
    pub fn element(&self, id: &ObjectId, default: Option<&str>) -> String {
        let mut text = format!("{} {}{}", id.sql(), self.data_type, fdw_options(&self.foreign_options));
        if let Some(collation) = &self.collation {
            text += &format!(" COLLATE {collation}");
        }
        if let Some(Generated { expression, stored }) = &self.generated {
            text += &format!(" GENERATED ALWAYS AS ({expression}) {}", if *stored { "STORED" } else { "VIRTUAL" });
        }
        if let Some(identity) = &self.identity {
            text += &format!(" {}", identity.clause(id));
        }
        if let Some(default) = default {
            text += &format!(" DEFAULT {default}");
        }
        text + &self.refusal_of_null(id)
    }

    /// NOT NULL as it stands behind a new column; one that is not validated is added afterwards.
    fn refusal_of_null(&self, id: &ObjectId) -> String {
        match &self.not_null_as {
            Some(constraint) => constraint.element(),
            None if self.not_null => {
                // a partition that CREATE TABLE makes as one has its name from the parent (18 and later)
                let automatic = format!("{}_{}_not_null", id.path.part(1), id.path.last());
                let other = self.facts.not_null.as_ref().filter(|name| self.lineage.partition && **name != automatic);
                let name = other.map(|name| format!(" CONSTRAINT {}", sql::ident(name))).unwrap_or_default();
                name + " NOT NULL"
            }
            None => String::new(),
        }
    }

    /// What a typed table can say of a column that its type brings: the default and NOT NULL.
    pub fn options_of_typed(&self, id: &ObjectId, default: Option<&str>) -> String {
        let default = default.map(|default| format!(" DEFAULT {default}")).unwrap_or_default();
        default + &self.refusal_of_null(id)
    }

    /// What CREATE TABLE cannot say of it.
    pub fn settings(&self, id: &ObjectId) -> Vec<String> {
        let changes = ColumnSettings::changes(Pair::new(&ColumnSettings::default(), &self.settings), &self.facts);
        changes.into_iter().map(|change| format!("ALTER COLUMN {} {change}", id.sql())).collect()
    }

    /// A refusal of NULL that CREATE TABLE cannot say, which children have, too.
    pub fn late_refusal(&self, id: &ObjectId) -> Option<String> {
        let constraint = self.not_null_as.as_ref().filter(|constraint| constraint.comes_after())?;
        Some(constraint.addition(&id.sql()))
    }

    /// Whether no row may have NULL: one that is not validated is only for those that are written (18 and later).
    pub fn has_no_null(&self) -> bool {
        self.not_null && self.not_null_as.as_ref().is_none_or(|constraint| constraint.validated)
    }

    /// The constraint that refuses NULL, where it has a name.
    pub fn refusal(&self) -> Option<NotNull> {
        let plain = || {
            let name = self.facts.not_null.clone()?;
            Some(NotNull { name, no_inherit: false, validated: true })
        };
        self.not_null_as.clone().or_else(plain).filter(|_| self.not_null)
    }

    /// What ALTER COLUMN has to say of it in an inheritor that has it from this parent. CREATE TABLE hands down how it is
    /// stored, and not its statistics target or options.
    pub fn beyond(&self, parent: &Self) -> Vec<String> {
        let (storage, compression) = (parent.settings.storage.clone(), parent.settings.compression.clone());
        let made = ColumnSettings { storage, compression, statistics: None, options: Options::default() };
        let mut clauses = ColumnSettings::changes(Pair::new(&made, &self.settings), &self.facts);
        if self.not_null && !parent.not_null {
            clauses.push("SET NOT NULL".to_owned());
        }
        clauses
    }

    /// Whether inheritors refuse NULL because this column does.
    pub fn hands_down_not_null(&self) -> bool {
        self.not_null && !self.not_null_as.as_ref().is_some_and(|constraint| constraint.no_inherit)
    }

    /// Whether a child table goes on refusing NULL when its parents no longer do: since 18, where NOT NULL was said of both.
    pub fn keeps_not_null(&self) -> bool {
        let declared = self.facts.not_null.is_some() && !self.lineage.inherited;
        self.not_null && !self.lineage.partition && (declared || self.facts.own_not_null == Some(true))
    }

    /// Whether CREATE TABLE leaves it out, since it comes from a parent.
    pub fn comes_with_table(&self) -> bool {
        self.lineage.inherited && !self.lineage.partition
    }
}

/// How many bytes an integer of this type has; 0 for other types.
fn width(data_type: &str) -> u8 {
    match data_type {
        "smallint" => 2,
        "integer" => 4,
        "bigint" => 8,
        _ => 0,
    }
}

impl Definition for Column {
    const QUERY: &'static str = include_str!("column.sql");
    const ROWS: &'static str = "pg_class WHERE relkind IN ('r', 'p', 'f') AND oid >= 16384";

    fn create(&self, id: &ObjectId) -> Ddl {
        let element = self.element(id, None);
        let mut clauses = vec![format!("ADD COLUMN {element}")];
        clauses.extend(self.settings(id));
        clauses.extend(self.late_refusal(id));
        Ddl::Table(TableDdl { table: id.relation_sql(), element: Some(element), clauses, only: false })
    }

    fn drop(&self, id: &ObjectId) -> Ddl {
        let clauses = vec![format!("DROP COLUMN {}", id.sql())];
        Ddl::Table(TableDdl { table: id.relation_sql(), clauses, ..TableDdl::default() })
    }

    /// A column that becomes a generated one is replaced: its values are computed.
    fn alter(pair: Pair<&Self>, id: &ObjectId) -> Alter {
        let Pair { before, after } = pair;
        let Self {
            data_type,
            base_type,
            collation,
            not_null,
            not_null_as,
            identity,
            generated,
            settings,
            foreign_options,
            lineage: _,
            facts,
        } = after;
        // PostgreSQL can make a stored generated column a plain one, and nothing else
        let stored = before.generated.as_ref().is_none_or(|generated| generated.stored);
        if *generated != before.generated && (generated.is_some() || !stored) {
            return Alter::Replace;
        }
        let name = id.sql();
        let mut moves = None;
        let mut clauses = Vec::new();
        let mut say = |what: String| clauses.push(format!("ALTER COLUMN {name} {what}"));
        let mut touch = None;
        // what has to be done in a statement before
        let mut first = Vec::new();
        if before.generated.is_some() && generated.is_none() {
            // "cannot specify USING when altering type of generated column"
            if *base_type == before.base_type {
                say("DROP EXPRESSION".to_owned());
            } else {
                first.push(format!("ALTER COLUMN {name} DROP EXPRESSION"));
            }
        }
        if *not_null != before.not_null && !not_null && before.identity.is_none() {
            say("DROP NOT NULL".to_owned());
        }
        if before.identity.is_some() && identity.is_none() {
            // the sequence would get the new type, too: "identity column type must be smallint, integer, or bigint"
            if *base_type == before.base_type {
                say("DROP IDENTITY".to_owned());
            } else {
                first.push(format!("ALTER COLUMN {name} DROP IDENTITY"));
            }
            if !not_null && before.not_null {
                say("DROP NOT NULL".to_owned());
            }
        }
        if *data_type != before.data_type || *collation != before.collation {
            let same_base = *base_type == before.base_type;
            touch = Some(if same_base && *collation == before.collation { Touch::Modifier } else { Touch::Type });
            let collate = collation.as_ref().map(|collation| format!(" COLLATE {collation}")).unwrap_or_default();
            let using = if same_base || generated.is_some() || facts.foreign {
                String::new()
            } else {
                format!(" USING {name}{}::{data_type}", through_text(&before.facts.plain_type, &facts.plain_type))
            };
            say(format!("TYPE {data_type}{collate}{using}"));
        }
        let mut renaming = None;
        match (before.refusal(), pair.after.refusal()) {
            (Some(old), Some(new)) if before.not_null_as != *not_null_as => {
                let changes = NotNull::changes(Pair::new(&old, &new), id);
                clauses.extend(changes.clauses);
                renaming = changes.renaming;
            }
            (None, Some(new)) if not_null_as.is_some() => clauses.push(new.addition(&name)),
            _ if *not_null && !before.not_null => clauses.push(format!("ALTER COLUMN {name} SET NOT NULL")),
            _ => {}
        }
        let mut say = |what: String| clauses.push(format!("ALTER COLUMN {name} {what}"));
        match (&before.identity, identity) {
            (None, Some(identity)) => say(format!("ADD {}", identity.clause(id))),
            (Some(old), Some(new)) if old != new => {
                if old.always != new.always {
                    say(format!("SET GENERATED {}", if new.always { "ALWAYS" } else { "BY DEFAULT" }));
                }
                let mut from = old.options.clone();
                from.follow(&new.options.data_type);
                moves = SequenceOptions::moves(Pair::new(&from, &new.options), &sql::qualified(&old.sequence));
                let changes = SequenceOptions::changes(Pair::new(&from, &new.options));
                if !changes.is_empty() {
                    let changes: Vec<String> = changes.into_iter().map(|change| format!("SET {change}")).collect();
                    let changes = changes.join(" ");
                    // a type that is too small for the bounds is refused: one that gets smaller comes behind them
                    if width(base_type) < width(&before.base_type) {
                        first.push(format!("ALTER COLUMN {name} {changes}"));
                    } else {
                        say(changes);
                    }
                }
                if old.sequence != new.sequence && old.sequence.first() == new.sequence.first() {
                    return Alter::Refused(format!(
                        "its identity sequence is called {} and would be {}: rename the sequence with ALTER SEQUENCE",
                        sql::qualified(&old.sequence),
                        sql::qualified(&new.sequence)
                    ));
                }
            }
            _ => {}
        }
        let table = TableDdl { table: id.relation_sql(), clauses, ..TableDdl::default() };
        let first = TableDdl { table: id.relation_sql(), clauses: first, ..TableDdl::default() }.into_statement();
        // what inheritors have of these is their own
        let settings = ColumnSettings::changes(Pair::new(&before.settings, settings), facts);
        let settings = TableDdl {
            table: id.relation_sql(),
            clauses: settings.into_iter().map(|change| format!("ALTER COLUMN {name} {change}")).collect(),
            only: true,
            ..TableDdl::default()
        };
        let foreign = fdw_changes(Pair::new(&before.foreign_options, foreign_options));
        if moves.is_none() && first.is_none() && renaming.is_none() && foreign.is_empty() {
            if settings.clauses.is_empty() {
                return Alter::InPlace(Ddl::Table(table), touch);
            }
            if table.clauses.is_empty() {
                return Alter::InPlace(Ddl::Table(settings), touch);
            }
        }
        let renaming =
            renaming.map(|renaming| Sql::new(format!("ALTER TABLE {} {renaming}", id.relation_sql())));
        let foreign = (!foreign.is_empty())
            .then(|| Sql::new(format!("ALTER FOREIGN TABLE {} ALTER COLUMN {name}{foreign}", id.relation_sql())));
        let tables = table.into_statement().into_iter().chain(settings.into_statement());
        let ddl = Ddl::Statements(moves.into_iter().chain(first).chain(tables).chain(renaming).chain(foreign).collect());
        Alter::InPlace(ddl, touch)
    }

    fn rename(&self, ids: Pair<&ObjectId>) -> Option<Ddl> {
        let clauses = vec![format!("RENAME COLUMN {} TO {}", ids.before.sql(), ids.after.sql())];
        Some(Ddl::Table(TableDdl { table: ids.before.relation_sql(), clauses, ..TableDdl::default() }))
    }

    /// A stored value outlives what its type or another column of its row becomes; one that is computed does not.
    fn survives(&self, touch: Touch) -> bool {
        self.generated.is_none() && touch <= Touch::Rebuild
    }

    fn needs(&self, id: &ObjectId) -> Vec<ObjectId> {
        id.relation().into_iter().collect()
    }

    fn visit_options(&mut self, visit: &mut dyn FnMut(OptionsOf, &mut Options)) {
        visit(OptionsOf::Column, &mut self.settings.options);
    }
}

/// `::text`, where two types have no cast between them but the one through their text form: an enum to another.
pub fn through_text(before: &str, after: &str) -> &'static str {
    const STRINGS: [&str; 4] = ["text", "character varying", "character", "name"];
    let element = |name: &str| name.trim_end_matches("[]").to_owned();
    let (old, new) = (element(before), element(after));
    let user_defined = old.contains('.') || new.contains('.');
    let string = STRINGS.contains(&old.as_str()) || STRINGS.contains(&new.as_str());
    match (user_defined && !string, before.ends_with("[]") && after.ends_with("[]")) {
        (false, _) => "",
        (true, false) => "::text",
        (true, true) => "::text[]",
    }
}

impl Lineage {
    /// The same thing in the nearest parent, if it comes only from there.
    pub fn in_parent(&self, id: &ObjectId) -> Option<ObjectId> {
        self.in_parents(id).next().filter(|_| self.inherited)
    }

    /// The same thing in all parents that have it.
    pub fn in_parents(&self, id: &ObjectId) -> impl Iterator<Item = ObjectId> {
        debug_assert!(matches!(id.kind, Kind::Column | Kind::Constraint | Kind::Default));
        self.parents.iter().map(|parent| {
            ObjectId::new(id.kind, parent.iter().cloned().chain([id.path.last().to_owned()]).collect::<Vec<_>>())
        })
    }
}
