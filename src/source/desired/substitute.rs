//! `${name}` in desired SQL: where it stands outside comments, and the text with the environment's values in its place.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use super::{Desired, DesiredError, DesiredErrors, SourceFile, parse, split::Split};
use crate::source::lex::{Lexeme, Token};

/// Files in which values have taken the place of their names.
pub struct Substituted {
    /// The files.
    pub files: Vec<SourceFile>,
    /// Where each value went, by its name: `schema/a.sql:3:20`.
    pub places: BTreeMap<String, BTreeSet<String>>,
}

impl Substituted {
    /// Reads the desired SQL.
    pub fn parse(self) -> Result<Desired, DesiredErrors> {
        Ok(Desired { substituted: self.places, ..parse(&self.files)? })
    }
}

/// Puts values in the place of `${name}`. In a string in quotes and in a quoted name they are quoted as what is around
/// them, and elsewhere they are SQL.
pub fn substitute(
    files: &[SourceFile],
    values: &BTreeMap<String, String>,
) -> Result<Substituted, DesiredErrors> {
    let mut done = Substituted { files: Vec::new(), places: BTreeMap::new() };
    let mut missing = Vec::new();
    for file in files {
        let split = Split::new(&file.name, &file.text);
        let (mut text, mut from) = (String::with_capacity(file.text.len()), 0);
        for Found { name, range, within } in found(&split) {
            let at = split.location(range.start);
            let Some(value) = values.get(name) else {
                missing.push(DesiredError::NoValue { at, name: name.to_owned() });
                continue;
            };
            text.push_str(&split.text[from..range.start]);
            text.push_str(&within.quoted(value));
            from = range.end;
            done.places.entry(name.to_owned()).or_default().insert(at.to_string());
        }
        text.push_str(&split.text[from..]);
        done.files.push(SourceFile { name: file.name.clone(), text });
    }
    if missing.is_empty() { Ok(done) } else { Err(DesiredErrors(missing)) }
}

/// A `${name}`.
pub(super) struct Found<'a> {
    pub name: &'a str,
    pub range: Range<usize>,
    within: Within,
}

/// What it stands in.
#[derive(Clone, Copy)]
enum Within {
    /// A string in quotes.
    String,
    /// One in which a backslash escapes.
    Escapes,
    /// A quoted name.
    Name,
    /// Anything else, a dollar-quoted string among it.
    Sql,
}

impl Within {
    fn of(token: Lexeme, text: &str) -> Self {
        match (token.token, token.of(text).as_bytes()) {
            (Token::String, [b'$', ..]) => Self::Sql,
            (Token::String, [b'e' | b'E', ..]) => Self::Escapes,
            (Token::String, _) => Self::String,
            (Token::Quoted, _) => Self::Name,
            _ => Self::Sql,
        }
    }

    fn quoted(self, value: &str) -> String {
        match self {
            Self::String => value.replace('\'', "''"),
            Self::Escapes => value.replace('\\', "\\\\").replace('\'', "''"),
            Self::Name => value.replace('"', "\"\""),
            Self::Sql => value.to_owned(),
        }
    }
}

/// All `${name}` of a file outside comments and data, in the order of the text.
pub(super) fn found<'a>(split: &Split<'a>) -> Vec<Found<'a>> {
    let mut found = Vec::new();
    if !split.text.contains("${") {
        return found;
    }
    for (start, _) in split.text.match_indices("${") {
        let Some((name, _)) = split.text[start + 2..].split_once('}') else { break };
        let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'-' | b'.'));
        let token = split.tokens.partition_point(|token| token.end <= start);
        let token = split.tokens.get(token).filter(|token| token.start <= start);
        let Some(token) = token.filter(|token| is_name && token.token != Token::Comment) else { continue };
        let range = start..start + name.len() + "${}".len();
        found.push(Found { name, range, within: Within::of(*token, split.text) });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn substituted(text: &str) -> String {
        let files = [SourceFile { name: "a.sql".to_owned(), text: text.to_owned() }];
        let values =
            [("who", "o'n\\e\"il"), ("n", "7")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        substitute(&files, &values.into_iter().collect()).unwrap().files.remove(0).text
    }

    #[test]
    fn values_are_quoted_as_what_is_around_them() {
        assert_eq!(substituted("SELECT '${who}', ${n}"), "SELECT 'o''n\\e\"il', 7");
        assert_eq!(
            substituted("SELECT E'x${who}' AS \"${who}\""),
            "SELECT E'xo''n\\\\e\"il' AS \"o'n\\e\"\"il\""
        );
        assert_eq!(substituted("AS $$ SELECT ${n} $$"), "AS $$ SELECT 7 $$");
        assert_eq!(substituted("CREATE SCHEMA s_${n};"), "CREATE SCHEMA s_7;");
    }

    #[test]
    fn comments_secrets_and_what_is_no_name_stay() {
        for text in
            ["-- @backfill using=${who}", "/* ${n} */", "'${secret:A}'", "$$ `${a + b}` $$", "'${who'"]
        {
            assert_eq!(substituted(text), text);
        }
    }

    #[test]
    fn what_has_no_value_is_an_error_where_it_stands() {
        let files = [SourceFile { name: "a.sql".to_owned(), text: "SELECT 1;\nSELECT ${x}".to_owned() }];
        let errors = substitute(&files, &BTreeMap::new()).err().unwrap();
        assert!(errors.to_string().starts_with("a.sql:2:8: there is no value for ${x}"), "{errors}");
    }
}
