//! Placeholders of secrets in statements: where they stand, and the statement with values in their place.
//!
//! Only a string that is a placeholder and nothing else counts, and only between the parentheses of OPTIONS of the
//! statements that make or change foreign data: a function's body, a default or a comment may say the same and mean it.

use std::{collections::BTreeSet, ops::Range};

use super::lex::{Lexeme, Lexer, Token};
use crate::{
    secret::{self, Holder, Secrets, VARIABLE},
    sql,
};

/// An option of foreign data as a statement says it.
struct Said<'a> {
    holder: Holder,
    name: String,
    /// Where the value stands, with its quotes.
    range: Range<usize>,
    /// Between the quotes.
    value: &'a str,
}

/// Why the value of an option cannot stay as desired SQL says it.
pub(super) struct Wrong {
    /// Where in the statement it is.
    pub at: usize,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub advice: String,
}

/// The names of the secrets that a statement needs.
pub fn names(statement: &str) -> BTreeSet<String> {
    let options = options(statement);
    options.iter().filter_map(|said| secret::name_in(said.value)).map(str::to_owned).collect()
}

/// The statement with the values of its secrets. None: it has none.
///
/// # Errors
///
/// The name of a secret that is not given.
pub fn fill(statement: &str, secrets: &Secrets) -> Result<Option<String>, String> {
    if !secret::has_placeholder(statement) {
        return Ok(None);
    }
    let (mut filled, mut from) = (String::with_capacity(statement.len()), 0);
    for Said { range, value, .. } in options(statement) {
        let Some(name) = secret::name_in(value) else { continue };
        let value = secrets.get(name).ok_or_else(|| name.to_owned())?;
        filled.push_str(&statement[from..range.start]);
        filled.push_str(&sql::literal(value));
        from = range.end;
    }
    filled.push_str(&statement[from..]);
    Ok((from > 0).then_some(filled))
}

/// The options of a statement whose values desired SQL may not have: secrets, and placeholders that are none.
pub(super) fn wrong(statement: &str) -> Vec<Wrong> {
    let wrong = |said: Said<'_>| {
        let Said { holder, name, range, value } = said;
        let is_secret = secret::is_secret(holder, &name, value);
        let option = sql::ident(&name);
        let (what, advice) = match (secret::name_in(value), secret::has_placeholder(value)) {
            (Some(_), _) if is_secret => return None,
            (Some(_), _) => (
                format!("a placeholder for option {option}"),
                "write its value: it is no secret, and is compared as it is".to_owned(),
            ),
            (None, true) => (
                format!("part of a value as a placeholder, or one of that name, for option {option}"),
                format!(
                    "write {option} '${{secret:NAME}}' and nothing else in the quotes; NAME has A-Z, 0-9 and _"
                ),
            ),
            (None, false) if is_secret => (
                format!("the value of option {option}, which counts as a secret,"),
                format!(
                    "write {option} '${{secret:NAME}}'; `trueup apply` takes the value from {VARIABLE}NAME, or as \
                     [env.….secrets] in trueup.toml says"
                ),
            ),
            (None, false) => return None,
        };
        Some(Wrong { at: range.start, what, advice })
    };
    options(statement).into_iter().filter_map(wrong).collect()
}

fn options(statement: &str) -> Vec<Said<'_>> {
    let begins = |word: &str| statement.get(..word.len()).is_some_and(|text| text.eq_ignore_ascii_case(word));
    if !begins("create") && !begins("alter") {
        return Vec::new();
    }
    let mut lexemes = Lexer::new(statement).filter(|lexeme| lexeme.token != Token::Comment);
    let first: Vec<Lexeme> = lexemes.by_ref().take(3).collect();
    let is_word =
        |lexeme: Option<&Lexeme>, word| lexeme.is_some_and(|lexeme| lexeme.is_word(statement, word));
    let holder = match (is_word(first.get(1), "server"), is_word(first.get(1), "foreign")) {
        (true, _) => Holder::Connection,
        (_, true) if is_word(first.get(2), "data") => Holder::Connection,
        (_, true) => Holder::Table,
        _ => return Vec::new(),
    };
    let mut found = Vec::new();
    let (mut previous, mut depth): (Option<Lexeme>, usize) = (None, 0);
    for lexeme in lexemes {
        if lexeme.is_symbol(statement, "(") {
            depth += usize::from(depth > 0 || is_word(previous.as_ref(), "options"));
        } else if lexeme.is_symbol(statement, ")") {
            depth = depth.saturating_sub(1);
        } else if depth == 1
            && lexeme.token == Token::String
            && let Some(name) = previous.and_then(|previous| previous.name(statement))
        {
            let text = lexeme.of(statement);
            let value = text.strip_prefix('\'').and_then(|text| text.strip_suffix('\'')).unwrap_or(text);
            found.push(Said { holder, name, range: lexeme.start..lexeme.end, value });
        }
        previous = Some(lexeme);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets() -> Secrets {
        [("A".to_owned(), "it's".to_owned()), ("B".to_owned(), "${secret:A}\\".to_owned())]
            .into_iter()
            .collect()
    }

    #[test]
    fn values_take_the_place_of_placeholders() {
        let filled = |statement: &str| fill(statement, &secrets()).unwrap();
        assert_eq!(
            filled("ALTER SERVER s OPTIONS (SET a '${secret:A}', host 'x', ADD b '${secret:B}')").as_deref(),
            Some(&*format!(
                "ALTER SERVER s OPTIONS (SET a 'it''s', host 'x', ADD b {})",
                sql::literal("${secret:A}\\")
            ))
        );
        assert!(filled("CREATE FOREIGN TABLE t (a text OPTIONS (token '${secret:A}')) SERVER s").is_some());
        assert_eq!(
            fill("CREATE SERVER s FOREIGN DATA WRAPPER w OPTIONS (a '${secret:C}')", &secrets()),
            Err("C".into())
        );
    }

    #[test]
    fn what_means_itself_stays() {
        for statement in [
            "CREATE FUNCTION f() RETURNS text LANGUAGE sql AS 'OPTIONS (''${secret:A}'')'",
            "CREATE FOREIGN TABLE t (a text DEFAULT '${secret:A}') SERVER s",
            "CREATE TABLE t (a text DEFAULT options('${secret:A}'))",
            "ALTER SERVER s OPTIONS (SET a 'x${secret:A}')",
            "ALTER SERVER s OPTIONS (SET a 'x') -- OPTIONS ('${secret:A}')",
            "COMMENT ON SERVER s IS '${secret:A}'",
        ] {
            assert_eq!(fill(statement, &secrets()), Ok(None), "{statement}");
        }
    }

    #[test]
    fn a_secret_is_refused_where_it_stands() {
        let said = |statement: &str| {
            let wrong = wrong(statement);
            wrong.into_iter().map(|Wrong { at, what, .. }| (at, what)).collect::<Vec<_>>()
        };
        let found = said("CREATE SERVER s FOREIGN DATA WRAPPER w OPTIONS (host 'x', password $$hunter2$$)");
        assert_eq!(found, [(67, "the value of option password, which counts as a secret,".to_owned())]);
        assert_eq!(
            said("ALTER SERVER s OPTIONS (SET host '${secret:A}', ADD \"A b\" 'x${secret:A}')").len(),
            2
        );
        assert!(said("alter /* x */ foreign table t alter a options (add field 'x')").is_empty());
        assert!(said("ALTER SERVER s OPTIONS (DROP password, SET options '${secret:A}')").is_empty());
        assert!(said("CREATE USER MAPPING FOR u SERVER s OPTIONS (password 'x')").is_empty());
    }
}
