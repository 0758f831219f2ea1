//! `${name}` in desired SQL: where it stands outside comments, and the text with the environment's values in its place.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use super::{Desired, DesiredError, DesiredErrors, SourceFile, Statement, parse, place::Key, split::Split};
use crate::{
    annotation::Location,
    source::lex::{Lexeme, Token},
};

/// Files in which values have taken the place of their names.
pub struct Substituted {
    /// The files.
    pub files: Vec<SourceFile>,
    /// Where each value went, by its name.
    pub places: BTreeMap<String, Vec<Place>>,
}

/// Where a value has taken the place of its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The name's own.
    pub said: Location,
    /// The value's, in the text that is read.
    at: Location,
}

impl Desired {
    /// The values that may have shaped what is called so, by their names, and where they stand. What they are a part of is told
    /// by its own name or its relation's; where that does not tell, it counts. So does what something that changes is built on: a
    /// partition has its parent's defaults.
    pub fn values_in(&self, changed: &BTreeSet<&str>) -> BTreeMap<String, BTreeSet<String>> {
        let mut values: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        if self.substituted.is_empty() {
            return values;
        }
        let changed = self.with_what_they_need(changed);
        for (name, places) in &self.substituted {
            for place in places.iter().filter(|place| self.counts(place, &changed)) {
                values.entry(name.clone()).or_default().insert(place.said.to_string());
            }
        }
        values
    }

    fn with_what_they_need<'s>(&'s self, changed: &BTreeSet<&'s str>) -> BTreeSet<&'s str> {
        let mut all = changed.clone();
        loop {
            let known = all.len();
            for statement in &self.statements {
                let mut keys = statement.creates.iter().chain(&statement.touches);
                if keys.any(|key| key.own_name().is_some_and(|name| all.contains(name))) {
                    let needed = statement.needs.iter().chain(&statement.touches);
                    all.extend(needed.filter_map(Key::own_name));
                }
            }
            if all.len() == known {
                return all;
            }
        }
    }

    fn counts(&self, place: &Place, changed: &BTreeSet<&str>) -> bool {
        let around = self.statements.iter().find(|statement| {
            let Statement { text, at, .. } = statement;
            at.file == place.at.file && (at..&at.advanced(text, text.len())).contains(&&place.at)
        });
        // a setting, say, and all that stands under it
        let Some(statement) = around else { return true };
        let mut keys = statement.creates.iter().chain(&statement.touches).peekable();
        keys.peek().is_none() || keys.any(|key| is_changed(key, changed))
    }
}

fn is_changed(key: &Key, changed: &BTreeSet<&str>) -> bool {
    key.own_name().is_none_or(|name| changed.contains(name))
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
            let Some(value) = within.quoted(value) else {
                missing.push(DesiredError::NoPlace { at, name: name.to_owned() });
                continue;
            };
            text.push_str(&split.text[from..range.start]);
            from = range.end;
            let start = Location { file: file.name.clone(), line: 1, column: 1 };
            let place = Place { said: at, at: start.advanced(&text, text.len()) };
            text.push_str(&value);
            done.places.entry(name.to_owned()).or_default().push(place);
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
    /// A string or name in which what escapes is said behind it: `U&'…' UESCAPE '!'`.
    Unicode,
    /// Anything else, a dollar-quoted string among it.
    Sql,
}

impl Within {
    fn of(token: Lexeme, text: &str) -> Self {
        match (token.token, token.of(text).as_bytes()) {
            (Token::String, [b'$', ..]) => Self::Sql,
            (Token::String | Token::Quoted, [b'u' | b'U', b'&', ..]) => Self::Unicode,
            (Token::String, [b'e' | b'E', ..]) => Self::Escapes,
            (Token::String, _) => Self::String,
            (Token::Quoted, _) => Self::Name,
            _ => Self::Sql,
        }
    }

    /// A value as it stands there. None: nobody knows how.
    fn quoted(self, value: &str) -> Option<String> {
        Some(match self {
            Self::String => value.replace('\'', "''"),
            Self::Escapes => value.replace('\\', "\\\\").replace('\'', "''"),
            Self::Name => value.replace('"', "\"\""),
            Self::Sql => value.to_owned(),
            Self::Unicode => return None,
        })
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
        // a string goes on behind a line's end, and a comment may stand in between
        if token.token == Token::String && !is_quoted(token.of(split.text), start - token.start) {
            continue;
        }
        let range = start..start + name.len() + "${}".len();
        found.push(Found { name, range, within: Within::of(*token, split.text) });
    }
    found
}

/// Whether a place in a string constant is within its quotes.
fn is_quoted(string: &str, at: usize) -> bool {
    if string.starts_with('$') {
        return true;
    }
    let escapes = string.starts_with(['e', 'E']);
    let (mut quoted, mut rest) = (false, string[..at].bytes());
    let mut last = b' ';
    while let Some(byte) = rest.next() {
        match byte {
            b'\\' if quoted && escapes => _ = rest.next(),
            b'\'' => quoted = !quoted,
            // up to the end of its line a quote in it is none
            b'-' if !quoted && last == b'-' => _ = rest.find(|byte| matches!(byte, b'\n' | b'\r')),
            _ => {}
        }
        last = byte;
    }
    quoted
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
        assert_eq!(substituted("SELECT 'a' -- it's\n '${n}'"), "SELECT 'a' -- it's\n '7'");
        assert_eq!(substituted("AS $$ SELECT ${n} $$"), "AS $$ SELECT 7 $$");
        assert_eq!(substituted("CREATE SCHEMA s_${n};"), "CREATE SCHEMA s_7;");
    }

    #[test]
    fn comments_secrets_and_what_is_no_name_stay() {
        for text in [
            "-- @backfill using=${who}",
            "SELECT 'a' -- it's ${n}\n 'b'",
            "SELECT E'a\\'' -- ${n}\n 'b'",
            "/* ${n} */",
            "'${secret:A}'",
            "$$ `${a + b}` $$",
            "'${who'",
        ] {
            assert_eq!(substituted(text), text);
        }
    }

    #[test]
    fn what_escapes_in_a_way_of_its_own_takes_no_value() {
        for text in ["SELECT U&'${who}'", "SELECT u&\"${n}\"", "SELECT U&'d!0061${who}' UESCAPE '!'"] {
            let files = [SourceFile { name: "a.sql".to_owned(), text: text.to_owned() }];
            let values =
                [("who", "o'n"), ("n", "7")].map(|(name, value)| (name.to_owned(), value.to_owned()));
            let errors = substitute(&files, &values.into_iter().collect()).err().unwrap();
            assert!(errors.to_string().contains("cannot stand in U&"), "{errors}");
        }
    }

    /// A plan says those values only that may be in it.
    #[test]
    fn values_count_where_what_they_are_part_of_changes() {
        let text = "CREATE TABLE a (id int DEFAULT ${n});\nCREATE TABLE b (x text DEFAULT '${who}', y text DEFAULT '${n}');\n\
                    CREATE FUNCTION f() RETURNS text LANGUAGE sql AS 'SELECT ${n}';\nALTER TABLE c ADD COLUMN d text DEFAULT '${who}';";
        let files = [SourceFile { name: "a.sql".to_owned(), text: text.to_owned() }];
        let values =
            [("who", "two\nlines"), ("n", "7")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        let desired = substitute(&files, &values.into_iter().collect()).unwrap().parse().unwrap();
        let of = |changed: &[&str]| {
            let values = desired.values_in(&changed.iter().copied().collect());
            values
                .into_iter()
                .map(|(name, places)| format!("{name}: {}", places.into_iter().collect::<Vec<_>>().join(" ")))
                .collect::<Vec<_>>()
        };
        assert_eq!(of(&["a"]), ["n: a.sql:1:32"]);
        assert_eq!(of(&["b"]), ["n: a.sql:2:58", "who: a.sql:2:33"]);
        assert_eq!(of(&["f"]), ["n: a.sql:3:58"]);
        assert_eq!(of(&["c"]), ["who: a.sql:4:42"]);
        assert!(of(&["other"]).is_empty());
        // what is copied from another table is in the new one, however far away that is
        let text = "CREATE TABLE whole (id int, at text DEFAULT '${who}') PARTITION BY LIST (id);\n\
                    CREATE TABLE part PARTITION OF whole FOR VALUES IN (1) PARTITION BY LIST (id);\n\
                    CREATE TABLE leaf PARTITION OF part FOR VALUES IN (1);\n\
                    CREATE TABLE same (LIKE whole INCLUDING ALL); CREATE TABLE child (x int) INHERITS (whole);";
        let files = [SourceFile { name: "a.sql".to_owned(), text: text.to_owned() }];
        let values = [("who".to_owned(), "s".to_owned())].into_iter().collect();
        let desired = substitute(&files, &values).unwrap().parse().unwrap();
        for changed in ["whole", "part", "leaf", "same", "child"] {
            assert_eq!(desired.values_in(&BTreeSet::from([changed])).len(), 1, "{changed}");
        }
        let files = [SourceFile {
            name: "a.sql".to_owned(),
            text: "SET search_path = ${n}; CREATE TABLE a ();".to_owned(),
        }];
        let values = [("n".to_owned(), "s".to_owned())].into_iter().collect();
        let desired = substitute(&files, &values).unwrap().parse().unwrap();
        assert_eq!(desired.values_in(&BTreeSet::new()).len(), 1, "what stands under a setting");
    }

    #[test]
    fn what_has_no_value_is_an_error_where_it_stands() {
        let files = [SourceFile { name: "a.sql".to_owned(), text: "SELECT 1;\nSELECT ${x}".to_owned() }];
        let errors = substitute(&files, &BTreeMap::new()).err().unwrap();
        assert!(errors.to_string().starts_with("a.sql:2:8: there is no value for ${x}"), "{errors}");
    }
}
