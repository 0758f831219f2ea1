//! The only quoting of identifiers and literals.
//!
//! Everything that becomes part of a statement goes through here, so that a name or a value can hold anything
//! and still mean only itself. The rules are those of `quote_identifier` and `quote_literal` in PostgreSQL.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::visible;

/// One SQL statement, without its final semicolon.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sql(String);

impl Sql {
    /// A statement, which loses a final semicolon if it has one.
    pub fn new(text: impl Into<String>) -> Self {
        let mut text = text.into();
        let kept = text.trim_end().trim_end_matches(';').trim_end().len();
        text.truncate(kept);
        Self(text)
    }

    /// The statement's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Sql {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An identifier, quoted if it has to be.
pub fn ident(name: &str) -> String {
    let mut chars = name.bytes();
    let plain = chars.next().is_some_and(|c| c.is_ascii_lowercase() || c == b'_')
        && chars.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'_')
        && RESERVED.binary_search(&name).is_err();
    if plain { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

/// Identifiers joined by dots: `schema.table`.
pub fn qualified<S: AsRef<str>>(names: &[S]) -> String {
    names.iter().map(|name| ident(name.as_ref())).collect::<Vec<_>>().join(".")
}

/// A string literal, in escape form when it holds a backslash.
pub fn literal(value: &str) -> String {
    let doubled = value.replace('\'', "''");
    if doubled.contains('\\') {
        format!("E'{}'", doubled.replace('\\', "\\\\"))
    } else {
        format!("'{doubled}'")
    }
}

/// A string literal in which everything shows: what would deceive the eye is written as its number, which PostgreSQL reads
/// as the character.
pub fn shown_literal(value: &str) -> String {
    if !visible::hides(value) {
        return literal(value);
    }
    let mut shown = String::from("E'");
    for c in value.chars() {
        match c {
            '\'' => shown.push_str("''"),
            '\\' => shown.push_str("\\\\"),
            '\n' | '\t' => shown.push(c),
            c if visible::deceives(c) && u32::from(c) > 0xffff => {
                shown.push_str(&format!("\\U{:08x}", u32::from(c)));
            }
            c if visible::deceives(c) => shown.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => shown.push(c),
        }
    }
    shown.push('\'');
    shown
}

/// A literal between dollar quotes whose tag does not occur in it.
pub fn dollar_quoted(body: &str) -> String {
    let mut tag = String::new();
    loop {
        let quote = format!("${tag}$");
        if !body.contains(&quote) && !body.ends_with(&quote[..quote.len() - 1]) {
            return format!("{quote}{body}{quote}");
        }
        tag.push(if tag.is_empty() { 'f' } else { 'x' });
    }
}

/// Where a part begins in a text that PostgreSQL printed: the first place outside quotes and parentheses.
pub fn find_outside(text: &str, part: &str) -> Option<usize> {
    let (mut depth, mut quote) = (0_i32, None);
    for (at, c) in text.char_indices() {
        if quote.is_some() {
            quote = quote.filter(|open| *open != c);
            continue;
        }
        if depth == 0 && text[at..].starts_with(part) {
            return Some(at);
        }
        match c {
            '\'' | '"' => quote = Some(c),
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// Keywords that `quote_identifier` quotes: all but the unreserved ones, over PostgreSQL 14 to 18. Sorted.
const RESERVED: &[&str] = &[
    "all",
    "analyse",
    "analyze",
    "and",
    "any",
    "array",
    "as",
    "asc",
    "asymmetric",
    "authorization",
    "between",
    "bigint",
    "binary",
    "bit",
    "boolean",
    "both",
    "case",
    "cast",
    "char",
    "character",
    "check",
    "coalesce",
    "collate",
    "collation",
    "column",
    "concurrently",
    "constraint",
    "create",
    "cross",
    "current_catalog",
    "current_date",
    "current_role",
    "current_schema",
    "current_time",
    "current_timestamp",
    "current_user",
    "dec",
    "decimal",
    "default",
    "deferrable",
    "desc",
    "distinct",
    "do",
    "else",
    "end",
    "except",
    "exists",
    "extract",
    "false",
    "fetch",
    "float",
    "for",
    "foreign",
    "freeze",
    "from",
    "full",
    "grant",
    "greatest",
    "group",
    "grouping",
    "having",
    "ilike",
    "in",
    "initially",
    "inner",
    "inout",
    "int",
    "integer",
    "intersect",
    "interval",
    "into",
    "is",
    "isnull",
    "join",
    "json",
    "json_array",
    "json_arrayagg",
    "json_exists",
    "json_object",
    "json_objectagg",
    "json_query",
    "json_scalar",
    "json_serialize",
    "json_table",
    "json_value",
    "lateral",
    "leading",
    "least",
    "left",
    "like",
    "limit",
    "localtime",
    "localtimestamp",
    "merge_action",
    "national",
    "natural",
    "nchar",
    "none",
    "normalize",
    "not",
    "notnull",
    "null",
    "nullif",
    "numeric",
    "offset",
    "on",
    "only",
    "or",
    "order",
    "out",
    "outer",
    "overlaps",
    "overlay",
    "placing",
    "position",
    "precision",
    "primary",
    "real",
    "references",
    "returning",
    "right",
    "row",
    "select",
    "session_user",
    "setof",
    "similar",
    "smallint",
    "some",
    "substring",
    "symmetric",
    "system_user",
    "table",
    "tablesample",
    "then",
    "time",
    "timestamp",
    "to",
    "trailing",
    "treat",
    "trim",
    "true",
    "union",
    "unique",
    "user",
    "using",
    "values",
    "varchar",
    "variadic",
    "verbose",
    "when",
    "where",
    "window",
    "with",
    "xmlattributes",
    "xmlconcat",
    "xmlelement",
    "xmlexists",
    "xmlforest",
    "xmlnamespaces",
    "xmlparse",
    "xmlpi",
    "xmlroot",
    "xmlserialize",
    "xmltable",
];

/// Another name, no longer than PostgreSQL takes: it would cut off just what makes it another.
pub fn aside(name: &str) -> String {
    const LONGEST: usize = 63;
    const SUFFIX: &str = "__trueup_old";
    let end = (0..=name.len().min(LONGEST - SUFFIX.len())).rev().find(|at| name.is_char_boundary(*at));
    format!("{}{SUFFIX}", &name[..end.unwrap_or(0)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_are_sorted_so_that_binary_search_finds_them() {
        assert!(RESERVED.is_sorted());
    }

    #[test]
    fn identifiers_are_quoted_only_where_they_must_be() {
        for (name, quoted) in [
            ("orders", "orders"),
            ("_x9", "_x9"),
            ("Orders", "\"Orders\""),
            ("9lives", "\"9lives\""),
            ("user", "\"user\""),
            ("a\"b", "\"a\"\"b\""),
            ("", "\"\""),
            ("größe", "\"größe\""),
        ] {
            assert_eq!(ident(name), quoted);
        }
    }

    #[test]
    fn literals_mean_only_themselves() {
        assert_eq!(literal("it's"), "'it''s'");
        assert_eq!(literal("a\\b'"), "E'a\\\\b'''");
        assert_eq!(shown_literal("it's"), "'it''s'");
        assert_eq!(shown_literal("a\u{202e}'\\\r\n\u{e0101}"), "E'a\\u202e''\\\\\\u000d\n\\U000e0101'");
        assert_eq!(dollar_quoted("x"), "$$x$$");
        assert_eq!(dollar_quoted("$$"), "$f$$$$f$");
        assert_eq!(dollar_quoted("cost $"), "$f$cost $$f$");
    }

    #[test]
    fn a_statement_has_no_final_semicolon() {
        assert_eq!(Sql::new("SELECT 1 ;\n").as_str(), "SELECT 1");
    }
}
