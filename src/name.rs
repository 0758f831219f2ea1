//! Kinds and the names of things: what an object is called everywhere, from introspection to the journal.
//!
//! An [`ObjectId`] is a kind and a path: `table public.orders`, `column public.orders.total`,
//! `function public.area(numeric,numeric)`, `comment on table public.orders`. It prints as people write it and
//! parses back from what it prints. Its order is the order of a dump.

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::sql;

/// Calls a macro with the one list of kinds, in the order of a dump: `module: Type = "label"`.
#[macro_export]
macro_rules! with_kinds {
    ($callback:ident) => {
        $callback! {
            schema: Schema = "schema",
            extension: Extension = "extension",
            collation: Collation = "collation",
            enumeration: Enum = "enum",
            domain: Domain = "domain",
            domain_constraint: DomainConstraint = "domain constraint",
            domain_default: DomainDefault = "domain default",
            composite: Composite = "type",
            range: Range = "range",
            function: Function = "function",
            aggregate: Aggregate = "aggregate",
            operator: Operator = "operator",
            operator_family: OperatorFamily = "operator family",
            operator_class: OperatorClass = "operator class",
            cast: Cast = "cast",
            conversion: Conversion = "conversion",
            text_search_parser: TextSearchParser = "text search parser",
            text_search_template: TextSearchTemplate = "text search template",
            text_search_dictionary: TextSearchDictionary = "text search dictionary",
            text_search_configuration: TextSearchConfiguration = "text search configuration",
            foreign_data_wrapper: ForeignDataWrapper = "foreign data wrapper",
            foreign_server: ForeignServer = "server",
            sequence: Sequence = "sequence",
            table: Table = "table",
            column: Column = "column",
            identity_sequence: IdentitySequence = "identity sequence",
            sequence_owner: SequenceOwner = "sequence owner",
            default: Default = "default",
            toast_options: ToastOptions = "toast options",
            view: View = "view",
            materialized_view: MaterializedView = "materialized view",
            constraint: Constraint = "constraint",
            index: Index = "index",
            attachment: Attachment = "partition",
            index_attachment: IndexAttachment = "index partition",
            statistics: Statistics = "statistics",
            rule: Rule = "rule",
            trigger: Trigger = "trigger",
            partition_trigger: PartitionTrigger = "partition trigger",
            policy: Policy = "policy",
            publication: Publication = "publication",
            published_table: PublishedTable = "published table",
            published_schema: PublishedSchema = "published schema",
            event_trigger: EventTrigger = "event trigger",
            default_privileges: DefaultPrivileges = "default privileges",
            comment: Comment = "comment on",
            privileges: Privileges = "privileges on",
            owner: Owner = "owner of",
        }
    };
}

macro_rules! define_kind {
    ($($module:ident: $kind:ident = $label:literal,)*) => {
        /// What sort of thing an object is. The order is the order of a dump.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Kind {
            $(#[doc = $label] $kind,)*
        }

        impl Kind {
            /// Every kind, in the order of a dump.
            pub const ALL: &[Kind] = &[$(Kind::$kind,)*];

            /// The kind's name in sentences and in printed ids.
            pub fn label(self) -> &'static str {
                match self { $(Kind::$kind => $label,)* }
            }
        }
    };
}
with_kinds!(define_kind);

impl Kind {
    /// Whether the last part of the path is an argument list.
    fn has_arguments(self) -> bool {
        matches!(self, Kind::Function | Kind::Aggregate | Kind::Operator)
    }

    /// Whether such objects are in no schema.
    fn is_of_database(self) -> bool {
        matches!(
            self,
            Kind::Extension
                | Kind::EventTrigger
                | Kind::Cast
                | Kind::Publication
                | Kind::ForeignDataWrapper
                | Kind::ForeignServer
        )
    }

    /// Whether it is a query that is read by a name.
    pub fn is_view(self) -> bool {
        matches!(self, Kind::View | Kind::MaterializedView)
    }

    /// Whether the object is about another one, whose kind and path make up its own path.
    fn is_about_another(self) -> bool {
        matches!(self, Kind::Comment | Kind::Privileges | Kind::Owner)
    }
}

/// The parts of a name, from the schema down. Shared by its copies, of which there are many.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "Vec<String>", into = "Vec<String>")]
pub struct Path(Arc<[String]>);

impl<S: Into<String>, const N: usize> From<[S; N]> for Path {
    fn from(parts: [S; N]) -> Self {
        Self(parts.into_iter().map(Into::into).collect())
    }
}

impl From<Vec<String>> for Path {
    fn from(parts: Vec<String>) -> Self {
        Self(parts.into())
    }
}

impl From<Path> for Vec<String> {
    fn from(path: Path) -> Self {
        path.0.to_vec()
    }
}

impl Path {
    /// The parts.
    pub fn parts(&self) -> &[String] {
        &self.0
    }

    /// The part at `index`, or nothing's name: an empty string.
    pub fn part(&self, index: usize) -> &str {
        self.0.get(index).map_or("", String::as_str)
    }

    /// The last part.
    pub fn last(&self) -> &str {
        self.0.last().map_or("", String::as_str)
    }
}

/// The name of one object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId {
    /// What it is.
    pub kind: Kind,
    /// What it is called.
    pub path: Path,
}

impl ObjectId {
    /// An id from its parts.
    pub fn new(kind: Kind, path: impl Into<Path>) -> Self {
        Self { kind, path: path.into() }
    }

    /// The id of the comment on `target`, of its privileges or its owner.
    pub fn about(kind: Kind, target: &ObjectId) -> Self {
        let mut parts = vec![target.kind.label().to_owned()];
        parts.extend_from_slice(target.path.parts());
        Self { kind, path: parts.into() }
    }

    /// What a comment, privileges or an owner are about.
    pub fn target(&self) -> Option<ObjectId> {
        if !self.kind.is_about_another() {
            return None;
        }
        let kind = *Kind::ALL.iter().find(|kind| kind.label() == self.path.part(0))?;
        Some(ObjectId::new(kind, self.path.parts().get(1..)?.to_vec()))
    }

    /// The schema that the object is in; for a schema, itself. None for what is in no schema.
    pub fn schema(&self) -> Option<&str> {
        match self.kind {
            kind if kind.is_about_another() => {
                let kind = Kind::ALL.iter().find(|kind| kind.label() == self.path.part(0))?;
                self.path.parts().get(1).map(String::as_str).filter(|_| !kind.is_of_database())
            }
            kind if kind.is_of_database() => None,
            // (schema, role, object type): an empty schema is "in every schema"
            Kind::DefaultPrivileges => {
                self.path.parts().first().map(String::as_str).filter(|name| !name.is_empty())
            }
            _ => self.path.parts().first().map(String::as_str),
        }
    }

    /// The relation that a column, constraint, trigger and so on is part of: the id of a table. (A trigger may also
    /// be on a view: the path is the same, the kind is then not.)
    pub fn relation(&self) -> Option<ObjectId> {
        let parts = self.path.parts();
        match self.kind {
            Kind::Column
            | Kind::Default
            | Kind::Constraint
            | Kind::Rule
            | Kind::Trigger
            | Kind::PartitionTrigger
            | Kind::Policy
            | Kind::PublishedTable => Some(ObjectId::new(Kind::Table, parts.get(..2)?.to_vec())),
            _ => None,
        }
    }

    /// Whether it is part of this table or view, whichever it is, or said about something in it.
    pub fn is_of_relation(&self, relation: &ObjectId) -> bool {
        let target = self.target();
        let own = target.as_ref().unwrap_or(self);
        own.relation().is_some_and(|table| table.path == relation.path) || target.as_ref() == Some(relation)
    }

    /// The name as SQL has it: `public.orders`, `public.area(numeric, numeric)`. Of what lives in a relation (a
    /// constraint, a trigger) only the own name.
    pub fn sql(&self) -> String {
        let parts = self.path.parts();
        match self.kind {
            Kind::Function | Kind::Aggregate => {
                format!("{}({})", sql::qualified(&parts[..parts.len().min(2)]), self.path.part(2))
            }
            Kind::Operator => format!("{} ({})", self.operator_name(), self.path.part(2)),
            Kind::OperatorFamily | Kind::OperatorClass => {
                let name = sql::qualified(&parts[..parts.len().min(2)]);
                format!("{name} USING {}", sql::ident(self.path.last()))
            }
            Kind::Cast => format!("({} AS {})", self.path.part(0), self.path.part(1)),
            Kind::Column
            | Kind::Default
            | Kind::Constraint
            | Kind::DomainConstraint
            | Kind::Rule
            | Kind::Trigger
            | Kind::PartitionTrigger
            | Kind::Policy
            | Kind::PublishedTable => sql::ident(self.path.last()),
            _ => sql::qualified(parts),
        }
    }

    /// An operator's name without its operands: `public.+`, which is never quoted.
    pub fn operator_name(&self) -> String {
        format!("{}.{}", sql::ident(self.path.part(0)), self.path.part(1))
    }

    /// The name of the relation that this is, or is part of, as SQL has it.
    pub fn relation_sql(&self) -> String {
        let parts = self.path.parts();
        sql::qualified(&parts[..parts.len().min(2)])
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(target) = self.target() {
            return write!(f, "{} {target}", self.kind.label());
        }
        let parts = self.path.parts();
        if self.kind.has_arguments() && parts.len() == 3 {
            return write!(f, "{} {}({})", self.kind.label(), sql::qualified(&parts[..2]), parts[2]);
        }
        write!(f, "{} {}", self.kind.label(), sql::qualified(parts))
    }
}

/// A text that is no object's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not the name of an object (like `table public.orders`)")]
pub struct NotAnObject(String);

impl FromStr for ObjectId {
    type Err = NotAnObject;

    fn from_str(text: &str) -> Result<Self, NotAnObject> {
        let wrong = || NotAnObject(text.to_owned());
        // the longest label first, so that `sequence owner` is not a `sequence`
        let kind = Kind::ALL
            .iter()
            .filter(|kind| text.strip_prefix(kind.label()).is_some_and(|rest| rest.starts_with(' ')))
            .max_by_key(|kind| kind.label().len())
            .ok_or_else(wrong)?;
        let rest = &text[kind.label().len() + 1..];
        if kind.is_about_another() {
            return Ok(ObjectId::about(*kind, &rest.parse()?));
        }
        let (mut parts, tail) = split_qualified(rest).ok_or_else(wrong)?;
        match tail.strip_prefix('(').and_then(|tail| tail.strip_suffix(')')) {
            Some(arguments) if kind.has_arguments() => parts.push(arguments.to_owned()),
            None if tail.is_empty() && !kind.has_arguments() => {}
            _ => return Err(wrong()),
        }
        Ok(ObjectId::new(*kind, parts))
    }
}

/// Splits `a."b.c".d rest` into its names and what follows them.
fn split_qualified(text: &str) -> Option<(Vec<String>, &str)> {
    let mut parts = Vec::new();
    let mut rest = text;
    loop {
        if let Some(quoted) = rest.strip_prefix('"') {
            let mut name = String::new();
            let mut chars = quoted.char_indices().peekable();
            let end = loop {
                match chars.next()? {
                    (_, '"') if chars.next_if(|next| next.1 == '"').is_some() => name.push('"'),
                    (at, '"') => break at + 1,
                    (_, other) => name.push(other),
                }
            };
            parts.push(name);
            rest = &quoted[end..];
        } else {
            let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
            if end == 0 {
                return None;
            }
            parts.push(rest[..end].to_owned());
            rest = &rest[end..];
        }
        match rest.strip_prefix('.') {
            Some(next) => rest = next,
            None => return Some((parts, rest)),
        }
    }
}

impl Serialize for ObjectId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ObjectId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// What was and what will be: a pair that cannot be mixed up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pair<T> {
    /// Before the change.
    pub before: T,
    /// After it.
    pub after: T,
}

impl<T> Pair<T> {
    /// A pair.
    pub fn new(before: T, after: T) -> Self {
        Self { before, after }
    }

    /// The way back.
    #[must_use]
    pub fn inverse(self) -> Self {
        Self { before: self.after, after: self.before }
    }

    /// Both sides borrowed.
    pub fn as_ref(&self) -> Pair<&T> {
        Pair { before: &self.before, after: &self.after }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_parse_back_from_what_they_print() {
        let ids = [
            ObjectId::new(Kind::Schema, ["public"]),
            ObjectId::new(Kind::Table, ["public", "Order \"x\".y"]),
            ObjectId::new(Kind::Function, ["public", "f", "integer, text"]),
            ObjectId::new(Kind::Function, ["public", "f", ""]),
            ObjectId::new(Kind::SequenceOwner, ["public", "orders_id_seq"]),
            ObjectId::about(Kind::Comment, &ObjectId::new(Kind::Function, ["a b", "select", "x.\"Y\"[]"])),
            ObjectId::new(Kind::DefaultPrivileges, ["", "app", "tables"]),
        ];
        for id in ids {
            assert_eq!(id.to_string().parse(), Ok(id));
        }
    }

    #[test]
    fn what_is_no_id_is_refused() {
        for text in [
            "",
            "table",
            "table ",
            "tables x",
            "table a.",
            "table \"a",
            "function f",
            "table a(b)",
            "comment on x",
        ] {
            assert!(text.parse::<ObjectId>().is_err(), "{text}");
        }
    }
}
