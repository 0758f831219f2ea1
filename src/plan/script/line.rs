//! Lines of a script: templates that are filled, and statements as psql passes them on unchanged.

use crate::{
    source::lex::{Lexeme, Lexer, Token},
    sql::{self, Sql},
    visible,
};

/// A template with values in the place of `«name»`; what stands in a value stays as it is.
pub fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, (name, after))) =
        rest.split_once('«').and_then(|(before, rest)| Some((before, rest.split_once('»')?)))
    {
        let value = values.iter().find(|(known, _)| *known == name);
        debug_assert!(value.is_some(), "nothing is given for «{name}»");
        filled += before;
        filled += value.map_or("", |(_, value)| value);
        rest = after;
    }
    filled + rest
}

/// One more line.
pub fn push(script: &mut String, line: &str) {
    script.push_str(line);
    script.push('\n');
}

/// A value as a literal within the script's own blocks, whose dollar quotes it cannot end.
pub fn value(text: &str) -> String {
    let shown = sql::shown_literal(text);
    if !text.contains("$trueup$") && !text.contains("$query$") {
        return shown;
    }
    // in a literal that begins with E, numbers stand for characters
    let escaped = if shown.starts_with('E') { shown } else { format!("E{shown}") };
    escaped.replace('$', "\\u0024")
}

/// A text as a literal: between dollar quotes, where everything in it shows.
pub fn quoted(text: &str) -> String {
    if visible::hides(text) { sql::shown_literal(text) } else { sql::dollar_quoted(text) }
}

/// A statement that psql sends as it is.
pub fn runnable(statement: &Sql) -> String {
    let text = statement.as_str();
    if visible::hides(text) || is_read_otherwise(text) {
        format!("SELECT {} \\gexec", quoted(text))
    } else {
        format!("{text};")
    }
}

/// Whether psql would do something else with a statement than send it, or end it elsewhere: put variables in
/// (psql(1), "SQL Interpolation"), take a backslash for a command, count BEGIN and END of a function's body. A comment at the
/// end would take the semicolon in.
fn is_read_otherwise(text: &str) -> bool {
    let mut before: Option<Lexeme> = None;
    for lexeme in Lexer::new(text) {
        let adjoins = |other: Lexeme| other.end == lexeme.start;
        let otherwise = match (lexeme.token, lexeme.of(text)) {
            (Token::Comment | Token::Open, _) | (Token::Symbol, "\\" | ";") => true,
            (Token::Word, word) if word.eq_ignore_ascii_case("begin") => true,
            // of a cast's two colons the second follows the first
            (_, word) => {
                before.is_some_and(|it| it.is_symbol(text, ":") && adjoins(it) && !is_cast(text, it))
                    && word != ":"
                    && word != "="
            }
        };
        if otherwise {
            return true;
        }
        before = Some(lexeme);
    }
    false
}

/// Whether a colon is the second of a cast's.
fn is_cast(text: &str, colon: Lexeme) -> bool {
    let colons = text[..colon.end].bytes().rev().take_while(|byte| *byte == b':').count();
    colons % 2 == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(text: &str) -> String {
        runnable(&Sql::new(text))
    }

    #[test]
    fn what_psql_reads_as_postgresql_does_stays_plain() {
        for text in [
            "SELECT a::int, '\\x' || ':a' FROM t WHERE b[1 : n] = $$:x; \\d$$",
            "CREATE VIEW v AS SELECT x::pg_catalog.text FROM \"a:b\"",
            "COMMENT ON TABLE t IS E'\\\\ ;'",
        ] {
            assert_eq!(run(text), format!("{text};"));
        }
    }

    #[test]
    fn what_psql_would_change_is_a_string() {
        for text in [
            "SELECT a[1:n] FROM t",
            "SELECT a[1:\"N\"] FROM t",
            "SELECT a[:'n'] FROM t",
            "SELECT a[1:{?n}] FROM t",
            "SELECT a::int:n FROM t",
            "SELECT 1 -- a",
            "CREATE RULE r AS ON INSERT TO t DO ALSO (SELECT 1; SELECT 2)",
            "CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; END",
            "CREATE FUNCTION public.begin() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        ] {
            assert_eq!(run(text), format!("SELECT $${text}$$ \\gexec"));
        }
        assert_eq!(run("SELECT 'a\u{202e}b''\\'"), "SELECT E'SELECT ''a\\u202eb''''\\\\''' \\gexec");
    }

    #[test]
    fn a_value_ends_no_block() {
        assert_eq!(value("a$b'"), "'a$b'''");
        assert_eq!(value("a$trueup$;'"), "E'a\\u0024trueup\\u0024;'''");
        assert_eq!(value("\\$query$"), "E'\\\\\\u0024query\\u0024'");
    }

    #[test]
    fn values_are_not_filled_again() {
        assert_eq!(fill("a«x»b«y»", &[("x", "«y»"), ("y", "1")]), "a«y»b1");
    }
}
