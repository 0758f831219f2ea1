//! The instructions that stand in SQL comments: how to get to an object, where its definition cannot say it.
//!
//! This file holds what an instruction is and reads one from a comment's text. Which object a comment belongs to
//! is found where the SQL is read (`source::desired`): instructions about nothing never get this far.

use std::{collections::BTreeMap, fmt};

use crate::{name::Kind, sql};

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

impl fmt::Display for AnnotationTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let qualified = crate::sql::qualified::<String>;
        match self {
            Self::Object { kinds, path } => {
                write!(f, "{} {}", kinds.first().map_or("object", |kind| kind.label()), qualified(path))
            }
            Self::Attribute { of, name } => {
                write!(f, "attribute {} of type {}", sql::ident(name), qualified(of))
            }
            Self::Label { of, label } => {
                write!(f, "label {} of enum {}", sql::literal(label), qualified(of))
            }
        }
    }
}

impl AnnotationTarget {
    /// Whether it has values: a column.
    pub fn is_column(&self) -> bool {
        matches!(self, Self::Object { kinds, .. } if kinds.contains(&Kind::Column))
    }
}

/// The annotations that there are, with how they are written.
const KNOWN: [(&str, &str); 3] = [
    ("renamed", "@renamed from=NAME [online|instant]"),
    ("backfill", "@backfill using=EXPR [where=EXPR] [batch=N]"),
    ("convert", "@convert using=EXPR [back=EXPR] [online|instant]"),
];

impl Instruction {
    /// Reads the instruction in a comment, from the `@` on. The error says what is wrong and what to do.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.strip_prefix('@').unwrap_or(text);
        let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-')).unwrap_or(text.len());
        let (word, rest) = text.split_at(end);
        let usage = |index: usize| format!("write `{}`", KNOWN[index].1);
        match word {
            "renamed" => renamed(rest).map_err(|wrong| format!("@renamed: {wrong}\n  {}", usage(0))),
            "backfill" => backfill(rest).map_err(|wrong| format!("@backfill: {wrong}\n  {}", usage(1))),
            "convert" => convert(rest).map_err(|wrong| format!("@convert: {wrong}\n  {}", usage(2))),
            _ => Err(unknown(word)),
        }
    }

    /// The word after its `@`.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Renamed { .. } => "renamed",
            Self::Backfill { .. } => "backfill",
            Self::Convert { .. } => "convert",
        }
    }

    /// With each `${name}` in its expressions as the value of that name: within a string as part of it, elsewhere as a
    /// literal. The error is a name that has no value.
    pub fn with_values(&self, values: &BTreeMap<String, String>) -> Result<Self, String> {
        let filled = |expression: &String| with_values(expression, values);
        let perhaps = |expression: &Option<String>| expression.as_ref().map(filled).transpose();
        Ok(match self {
            Self::Renamed { .. } => self.clone(),
            Self::Backfill { using, filter, batch } => {
                Self::Backfill { using: filled(using)?, filter: perhaps(filter)?, batch: *batch }
            }
            Self::Convert { using, back, how } => {
                Self::Convert { using: filled(using)?, back: perhaps(back)?, how: *how }
            }
        })
    }

    /// The names of the values that its expressions have.
    pub fn names_of_values(&self) -> impl Iterator<Item = &str> {
        let behind = |expression| str::split(expression, "${").skip(1);
        self.expressions().into_iter().flat_map(behind).filter_map(|rest| Some(rest.split_once('}')?.0))
    }

    /// The SQL expressions in it.
    pub fn expressions(&self) -> Vec<&str> {
        let (first, second) = match self {
            Self::Renamed { .. } => return Vec::new(),
            Self::Backfill { using, filter, .. } => (using, filter),
            Self::Convert { using, back, .. } => (using, back),
        };
        std::iter::once(first).chain(second).map(String::as_str).collect()
    }
}

fn with_values(expression: &str, values: &BTreeMap<String, String>) -> Result<String, String> {
    let mut filled = String::new();
    let mut rest = expression;
    let mut in_string = false;
    while let Some((before, (name, behind))) =
        rest.split_once("${").and_then(|(before, behind)| Some((before, behind.split_once('}')?)))
    {
        // a quote that is doubled ends the string and begins it again
        in_string ^= before.matches('\'').count() % 2 == 1;
        let value = values.get(name).ok_or(name)?;
        filled.push_str(before);
        filled.push_str(&if in_string { value.replace('\'', "''") } else { sql::literal(value) });
        rest = behind;
    }
    Ok(filled + rest)
}

fn unknown(word: &str) -> String {
    let nearest = KNOWN
        .iter()
        .map(|(known, usage)| (distance(&word.to_lowercase(), known), usage))
        .filter(|(distance, _)| *distance <= 3)
        .min();
    let advice = match nearest {
        Some((_, usage)) => format!("did you mean `{usage}`?"),
        None => "there are @renamed, @backfill and @convert; what is none of them must not begin a comment"
            .to_owned(),
    };
    format!("unknown annotation `@{word}`\n  {advice}")
}

/// How many letters have to be changed, added or taken away to get from one word to the other.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (above, letter) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = above + 1;
        for (index, other) in to.iter().enumerate() {
            let changed = diagonal + usize::from(letter != *other);
            diagonal = row[index + 1];
            row[index + 1] = changed.min(diagonal + 1).min(row[index] + 1);
        }
    }
    row.last().copied().unwrap_or(0)
}

fn renamed(rest: &str) -> Result<Instruction, String> {
    let Fields { values: [from], how } = Fields::read(rest, ["from"], true)?;
    let from = from.ok_or("it does not say from what")?;
    let mut names = crate::source::lex::Lexer::new(&from);
    let (first, second) = (names.next(), names.next());
    let name = first.and_then(|lexeme| {
        use crate::source::lex::Token;
        match lexeme.token {
            Token::String if lexeme.of(&from).starts_with('\'') => {
                Some(lexeme.of(&from).trim_start_matches('\'').strip_suffix('\'')?.replace("''", "'"))
            }
            _ => lexeme.name(&from),
        }
    });
    match (name, second) {
        (_, Some(dot)) if dot.of(&from) == "." => {
            Err(format!("`{from}`: give the name without its schema or table"))
        }
        (Some(name), None) if !name.is_empty() => Ok(Instruction::Renamed { from: name, how }),
        _ => Err(format!("`{from}` is not a name; quote it if it has blanks or other characters")),
    }
}

fn backfill(rest: &str) -> Result<Instruction, String> {
    let Fields { values: [using, filter, batch], .. } =
        Fields::read(rest, ["using", "where", "batch"], false)?;
    let batch = match batch {
        None => None,
        Some(text) => match text.parse() {
            Ok(number) if number > 0 => Some(number),
            _ => return Err(format!("batch={text} is not a number of rows")),
        },
    };
    Ok(Instruction::Backfill { using: using.ok_or("it does not say using what")?, filter, batch })
}

fn convert(rest: &str) -> Result<Instruction, String> {
    let Fields { values: [using, back], how } = Fields::read(rest, ["using", "back"], true)?;
    Ok(Instruction::Convert { using: using.ok_or("it does not say using what")?, back, how })
}

/// The values of `key=value key=value … [online|instant]`.
struct Fields<const N: usize> {
    values: [Option<String>; N],
    how: Option<How>,
}

impl<const N: usize> Fields<N> {
    /// A value goes on to the next key that stands outside of quotes and parentheses.
    fn read(text: &str, keys: [&str; N], with_how: bool) -> Result<Self, String> {
        use crate::source::lex::{Lexer, Token};
        let mut fields = Self { values: [const { None }; N], how: None };
        let mut depth = 0usize;
        let mut open: Option<(usize, usize)> = None; // the key, and where its value begins
        let mut tokens = Lexer::new(text).peekable();
        let mut before = 0; // the end of the token before
        while let Some(lexeme) = tokens.next() {
            let free = depth == 0 && (lexeme.start > before || before == 0);
            before = lexeme.end;
            match (lexeme.token, lexeme.of(text)) {
                (Token::Open, _) => return Err("a quote is never closed".to_owned()),
                (Token::Symbol, "(" | "[") => depth += 1,
                (Token::Symbol, ")" | "]") => {
                    depth = depth.checked_sub(1).ok_or("a parenthesis is closed that was never opened")?;
                }
                (Token::Word, word) if free => {
                    let assigned = tokens
                        .peek()
                        .is_some_and(|next| next.start == lexeme.end && next.is_symbol(text, "="));
                    let key = keys.iter().position(|key| key.eq_ignore_ascii_case(word)).filter(|_| assigned);
                    let how = match word.to_ascii_lowercase().as_str() {
                        "online" if with_how => Some(How::Online),
                        "instant" if with_how => Some(How::Instant),
                        _ => None,
                    };
                    // `online` ends a value only as the last word before a key or the end
                    let last = how.is_some()
                        && tokens.peek().is_none_or(|next| keys.iter().any(|key| next.is_word(text, key)));
                    if key.is_none() && !last {
                        if open.is_none() {
                            return Err(format!("`{}` is not understood", text[lexeme.start..].trim_end()));
                        }
                        continue;
                    }
                    if let Some((index, start)) = open.take() {
                        fields.set(index, keys, &text[start..lexeme.start])?;
                    }
                    if let Some(index) = key {
                        tokens.next();
                        before = lexeme.end + 1;
                        open = Some((index, lexeme.end + 1));
                    } else {
                        fields.how = how;
                    }
                }
                _ if open.is_none() => {
                    return Err(format!("`{}` is not understood", text[lexeme.start..].trim_end()));
                }
                _ => {}
            }
        }
        if depth > 0 {
            return Err("a parenthesis is never closed".to_owned());
        }
        if let Some((index, start)) = open {
            fields.set(index, keys, &text[start..])?;
        }
        Ok(fields)
    }

    fn set(&mut self, index: usize, keys: [&str; N], value: &str) -> Result<(), String> {
        let value = value.trim();
        match &mut self.values[index] {
            _ if value.is_empty() => Err(format!("{}= has no value", keys[index])),
            Some(_) => Err(format!("{}= stands there twice", keys[index])),
            slot => {
                *slot = Some(value.to_owned());
                Ok(())
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::expect_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn renamed(from: &str, how: Option<How>) -> Instruction {
        Instruction::Renamed { from: from.to_owned(), how }
    }

    #[test]
    fn names_may_be_quoted_either_way() {
        for (text, from, how) in [
            ("@renamed from=Old_Name", "old_name", None),
            ("@renamed from=\"displayName\"  online ", "displayName", Some(How::Online)),
            ("@renamed from='it''s' instant", "it's", Some(How::Instant)),
            ("@renamed from=online", "online", None),
        ] {
            assert_eq!(Instruction::parse(text), Ok(renamed(from, how)), "{text}");
        }
    }

    #[test]
    fn an_expression_goes_on_to_the_next_key_outside_of_parentheses_and_quotes() {
        assert_eq!(
            Instruction::parse(
                "@backfill using=coalesce(a, ' where=x') || (SELECT max(b) FROM t WHERE batch=1) where=a IS NULL batch=500"
            ),
            Ok(Instruction::Backfill {
                using: "coalesce(a, ' where=x') || (SELECT max(b) FROM t WHERE batch=1)".to_owned(),
                filter: Some("a IS NULL".to_owned()),
                batch: Some(500),
            })
        );
        assert_eq!(
            Instruction::parse("@convert using=(price * 100)::int back=price / 100.0 online"),
            Ok(Instruction::Convert {
                using: "(price * 100)::int".to_owned(),
                back: Some("price / 100.0".to_owned()),
                how: Some(How::Online),
            })
        );
        assert_eq!(
            Instruction::parse("@backfill using='free'"),
            Ok(Instruction::Backfill { using: "'free'".to_owned(), filter: None, batch: None })
        );
    }

    #[test]
    fn what_is_wrong_is_said_with_the_right_form() {
        for (text, message) in [
            (
                "@renamd from=a",
                "unknown annotation `@renamd`\n  did you mean `@renamed from=NAME [online|instant]`?",
            ),
            ("@Renamed from=a", "unknown annotation `@Renamed`\n  did you mean `@renamed"),
            ("@author Jane", "unknown annotation `@author`\n  there are @renamed, @backfill and @convert"),
            ("@renamed", "@renamed: it does not say from what\n  write `@renamed from=NAME"),
            ("@renamed from=", "@renamed: from= has no value"),
            ("@renamed form=a", "@renamed: `form=a` is not understood"),
            ("@renamed from=a b", "@renamed: `a b` is not a name"),
            ("@renamed from=public.a", "@renamed: `public.a`: give the name without"),
            ("@renamed from=a from=b", "@renamed: from= stands there twice"),
            ("@backfill using=(a", "@backfill: a parenthesis is never closed"),
            ("@backfill using=a)", "@backfill: a parenthesis is closed"),
            ("@backfill using='a", "@backfill: a quote is never closed"),
            ("@backfill using=1 batch=no", "@backfill: batch=no is not a number of rows"),
            ("@convert back=1", "@convert: it does not say using what"),
        ] {
            let error = Instruction::parse(text).expect_err(text);
            assert!(error.starts_with(message), "{text}: {error}");
        }
    }

    #[test]
    fn places_count_characters_and_lines_from_one() {
        let start = Location { file: "a.sql".to_owned(), line: 3, column: 5 };
        assert_eq!(start.advanced("äb\nçd", 3).to_string(), "a.sql:3:7");
        assert_eq!(start.advanced("äb\nçd", 6).to_string(), "a.sql:4:2");
        assert_eq!(start.advanced("a", 99).to_string(), "a.sql:3:6");
    }
}
