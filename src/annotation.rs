//! The instructions that stand in SQL comments: how to get to an object, where its definition cannot say it.
//!
//! This file holds what an instruction is and reads one from a comment's text. Which object a comment belongs to
//! is found where the SQL is read (`source::desired`): instructions about nothing never get this far.

use std::fmt;

use crate::name::Kind;

/// A place in a file of SQL, counted from 1; columns count characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Location {
    /// The file's name as the user gave it.
    pub file: String,
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

impl Location {
    /// The place of the byte `offset` of `text`, which begins at this place.
    #[must_use]
    pub fn advanced(&self, text: &str, offset: usize) -> Self {
        let mut end = offset.min(text.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let before = &text[..end];
        match before.rfind('\n') {
            None => Self { column: self.column + before.chars().count(), ..self.clone() },
            Some(newline) => Self {
                file: self.file.clone(),
                line: self.line + before.bytes().filter(|byte| *byte == b'\n').count(),
                column: before[newline + 1..].chars().count() + 1,
            },
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// Whether a change of name or type takes effect in one step, or old and new live side by side for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum How {
    /// Old and new names both work until the contract phase.
    Online,
    /// In one statement; code that uses the old name breaks at once.
    Instant,
}

/// What an annotation asks for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Instruction {
    /// `@renamed from=NAME [online|instant]`: this is the object once called NAME.
    Renamed {
        /// The name it had, without its schema.
        from: String,
        /// In one step or side by side, if said.
        how: Option<How>,
    },
    /// `@backfill using=EXPR [where=EXPR] [batch=N]`: the value for existing rows.
    Backfill {
        /// An SQL expression over the row.
        using: String,
        /// Which rows are to be filled.
        filter: Option<String>,
        /// How many rows one transaction fills.
        batch: Option<u32>,
    },
    /// `@convert using=EXPR [back=EXPR] [online|instant]`: how values of the old type become values of the new one.
    Convert {
        /// An SQL expression over the row as it was.
        using: String,
        /// The way back: an SQL expression over the row as it is then.
        back: Option<String>,
        /// In one step or side by side, if said.
        how: Option<How>,
    },
}

/// The object that an annotation is on, as far as the syntax tells.
///
/// The schema is resolved as `CREATE` resolves it: the first one of the `search_path` in force, else `public`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AnnotationTarget {
    /// An object with an id: its path is the one of [`crate::name::ObjectId`]. Where the syntax leaves the kind open
    /// (`ALTER TABLE` on a view), there are several kinds; the first is the likeliest. Of a function or an aggregate
    /// only schema and name are known, so its path has two parts and may mean any of its overloads.
    Object {
        /// The kinds it may be.
        kinds: Vec<Kind>,
        /// Its path, from the schema down.
        path: Vec<String>,
    },
    /// An attribute of a composite type.
    Attribute {
        /// Schema and name of the type.
        of: Vec<String>,
        /// The attribute.
        name: String,
    },
    /// A label of an enum.
    Label {
        /// Schema and name of the enum.
        of: Vec<String>,
        /// The label.
        label: String,
    },
}

/// One annotation: what is asked for, of what, and where it is written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Annotation {
    /// The object it is on.
    pub target: AnnotationTarget,
    /// What it asks for.
    pub instruction: Instruction,
    /// Where the comment's `@` is.
    pub at: Location,
}
