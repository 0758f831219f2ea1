//! Sequences that stand alone or are owned by a column; one behind an identity column belongs to the column.

use serde::{Deserialize, Serialize};

use super::{Alter, Ddl, Definition, Touch};
use crate::{name::{ObjectId, Pair}, sql::{self, Sql}};

/// A sequence. Which column owns it is an object of its own: the column may come later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sequence {
    /// Whether it is not written to the WAL (15 and later).
    pub unlogged: bool,
    /// What it counts.
    #[serde(flatten)]
    pub options: SequenceOptions,
}

/// What a sequence counts, of its own or behind an identity column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SequenceOptions {
    /// `smallint`, `integer` or `bigint`.
    #[serde(rename = "type")]
    pub data_type: String,
    /// The first value.
    pub start: i64,
    /// The step.
    pub increment: i64,
    /// The lowest value.
    pub minimum: i64,
    /// The highest value.
    pub maximum: i64,
    /// How many values a session takes at once.
    pub cache: i64,
    /// Whether it starts again at the end.
    pub cycle: bool,
}

impl SequenceOptions {
    /// The options that are not what PostgreSQL would take by itself, as CREATE SEQUENCE writes them.
    pub fn clauses(&self) -> Vec<String> {
        let Self { data_type: _, start, increment, minimum, maximum, cache, cycle } = self;
        let (low, high) = self.default_bounds();
        let first = if *increment < 0 { *maximum } else { *minimum };
        let mut clauses = Vec::new();
        let mut say = |differs: bool, text: String| clauses.extend(differs.then_some(text));
        say(*increment != 1, format!("INCREMENT BY {increment}"));
        say(*minimum != low, format!("MINVALUE {minimum}"));
        say(*maximum != high, format!("MAXVALUE {maximum}"));
        say(*start != first, format!("START WITH {start}"));
        say(*cache != 1, format!("CACHE {cache}"));
        say(*cycle, "CYCLE".to_owned());
        clauses
    }

    /// The options that differ, as ALTER SEQUENCE writes them.
    pub fn changes(pair: Pair<&Self>) -> Vec<String> {
        let Self { data_type, start, increment, minimum, maximum, cache, cycle } = pair.after;
        let before = pair.before;
        let mut clauses = Vec::new();
        let mut say = |differs: bool, text: String| clauses.extend(differs.then_some(text));
        say(*data_type != before.data_type, format!("AS {data_type}"));
        say(*increment != before.increment, format!("INCREMENT BY {increment}"));
        say(*minimum != before.minimum, format!("MINVALUE {minimum}"));
        say(*maximum != before.maximum, format!("MAXVALUE {maximum}"));
        say(*start != before.start, format!("START WITH {start}"));
        say(*cache != before.cache, format!("CACHE {cache}"));
        say(*cycle != before.cycle, if *cycle { "CYCLE" } else { "NO CYCLE" }.to_owned());
        clauses
    }

    /// What brings a sequence within its new bounds where it may stand before them: PostgreSQL changes no bounds that
    /// it stands outside of. One that stands beyond its last value is used up, which no statement should hide.
    pub fn moves(pair: Pair<&Self>, sequence: &str) -> Option<Sql> {
        let Pair { before, after } = pair;
        let ascending = after.increment > 0;
        let (first, beyond, reachable) = if ascending {
            (after.minimum, "<", before.maximum >= after.minimum)
        } else {
            (after.maximum, ">", before.minimum <= after.maximum)
        };
        let narrower = if ascending { after.minimum > before.minimum } else { after.maximum < before.maximum };
        let name = sql::literal(sequence);
        (narrower && reachable).then(|| {
            Sql::new(format!(
                "SELECT pg_catalog.setval({name}, {first}, false) FROM {sequence} WHERE last_value {beyond} {first}"
            ))
        })
    }

    /// What PostgreSQL makes of them when the column gets another type: that is the sequence's, too, and a bound at the end
    /// of the old type is one that nobody gave.
    pub fn follow(&mut self, data_type: &str) {
        let old = range(&self.data_type);
        if data_type != self.data_type {
            data_type.clone_into(&mut self.data_type);
            let (low, high) = self.default_bounds();
            if self.minimum == old.0 {
                self.minimum = low;
            }
            if self.maximum == old.1 {
                self.maximum = high;
            }
        }
    }

    fn default_bounds(&self) -> (i64, i64) {
        let (low, high) = range(&self.data_type);
        if self.increment < 0 { (low, -1) } else { (1, high) }
    }
}

/// The lowest and the highest value of an integer type.
fn range(data_type: &str) -> (i64, i64) {
    match data_type {
        "smallint" => (i64::from(i16::MIN), i64::from(i16::MAX)),
        "integer" => (i64::from(i32::MIN), i64::from(i32::MAX)),
        _ => (i64::MIN, i64::MAX),
    }
}

impl Definition for Sequence {
    const QUERY: &'static str = include_str!("sequence.sql");
    const ROWS: &'static str = "pg_sequence";

    fn create(&self, id: &ObjectId) -> Ddl {
        let Self { unlogged, options } = self;
        let unlogged = if *unlogged { "UNLOGGED " } else { "" };
        let mut text = format!("CREATE {unlogged}SEQUENCE {}", id.sql());
        if options.data_type != "bigint" {
            text += &format!(" AS {}", options.data_type);
        }
        for clause in options.clauses() {
            text += &format!(" {clause}");
        }
        Ddl::statement(text)
    }

    fn drop(&self, id: &ObjectId) -> Ddl {
        Ddl::statement(format!("DROP SEQUENCE {}", id.sql()))
    }

    fn alter(pair: Pair<&Self>, id: &ObjectId) -> Alter {
        let Self { unlogged, options } = pair.after;
        let options = Pair::new(&pair.before.options, options);
        let mut statements: Vec<Sql> = SequenceOptions::moves(options, &id.sql()).into_iter().collect();
        let mut clauses = SequenceOptions::changes(options);
        if options.after.minimum > options.before.maximum || options.after.maximum < options.before.minimum {
            clauses.push("RESTART".to_owned());
        }
        if !clauses.is_empty() {
            statements.push(Sql::new(format!("ALTER SEQUENCE {} {}", id.sql(), clauses.join(" "))));
        }
        if *unlogged != pair.before.unlogged {
            let set = if *unlogged { "UNLOGGED" } else { "LOGGED" };
            statements.push(Sql::new(format!("ALTER SEQUENCE {} SET {set}", id.sql())));
        }
        Alter::InPlace(Ddl::Statements(statements), None)
    }

    fn rename(&self, ids: Pair<&ObjectId>) -> Option<Ddl> {
        let name = sql::ident(ids.after.path.last());
        Some(Ddl::statement(format!("ALTER SEQUENCE {} RENAME TO {name}", ids.before.sql())))
    }

    fn survives(&self, _: Touch) -> bool {
        false
    }
}
