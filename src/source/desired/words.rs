//! Statements told apart by their first words, where there is no parse tree: statements too deep to parse, and those
//! inside of `DO` blocks.

use crate::source::lex::{Lexeme, Lexer, Token};

use super::Class;

/// When a statement loads, going by its words in lower case. None for what is no DDL.
pub(super) fn class_of(words: &[&str]) -> Option<Class> {
    const FILLERS: &[&str] = &[
        "or",
        "replace",
        "temp",
        "temporary",
        "unlogged",
        "global",
        "local",
        "recursive",
        "constraint",
        "trusted",
        "procedural",
        "unique",
        "if",
        "not",
        "exists",
        "foreign",
        "materialized",
        "user",
        "event",
    ];
    let (verb, rest) = words.split_first()?;
    match *verb {
        "grant" | "revoke" => return Some(Class::Privilege),
        "comment" => return Some(Class::Comment),
        "create" | "alter" | "drop" => {}
        _ => return None,
    }
    let lead = rest.iter().take_while(|word| FILLERS.contains(word)).count();
    let (fillers, rest) = rest.split_at(lead);
    let has = |word: &str| rest.contains(&word);
    let creates = *verb == "create";
    Some(match rest.first().copied().unwrap_or("") {
        "role" | "group" => Class::Role,
        "mapping" | "data" | "server" | "language" | "access" => Class::Infrastructure,
        "table" if fillers.contains(&"foreign") && creates => Class::Table,
        "table" if creates => Class::Table,
        "table" if has("owner") => Class::Owner,
        "table" if has("foreign") => Class::ForeignKey,
        "table" if has("constraint") || has("primary") => Class::Constraint,
        "table" if has("trigger") => Class::Trigger,
        "table" if has("default") => Class::Default,
        "table" => Class::TableChange,
        "schema" => Class::Schema,
        "extension" => Class::Extension,
        "type" | "domain" | "collation" if creates => Class::Type,
        "type" | "domain" | "collation" => Class::TypeChange,
        "sequence" if creates => Class::Sequence,
        "sequence" => Class::SequenceChange,
        "function" | "procedure" => Class::Function,
        "aggregate" | "operator" | "cast" | "text" | "transform" | "conversion" => Class::FunctionUser,
        "index" if creates => Class::Index,
        "index" => Class::IndexChange,
        "statistics" => Class::Index,
        "view" if fillers.contains(&"materialized") => Class::MaterializedView,
        "view" => Class::View,
        "rule" => Class::Rule,
        "trigger" if fillers.contains(&"event") => Class::EventTrigger,
        "trigger" => Class::Trigger,
        "policy" => Class::Policy,
        "publication" => Class::Publication,
        "default" => Class::DefaultPrivileges,
        _ if fillers.contains(&"user") => Class::Role,
        _ => return None,
    })
}

/// Whether a statement may have a secret in it, going by its words: what it says is not to be repeated where it is wrong.
pub(super) fn may_have_a_secret(text: &str, tokens: &[Lexeme]) -> bool {
    const WORDS: [&str; 6] = ["connection", "mapping", "options", "password", "server", "wrapper"];
    tokens.iter().any(|lexeme| WORDS.iter().any(|word| lexeme.is_word(text, word)))
}

/// The words of a text in lower case.
pub(super) fn words<'a>(text: &'a str, tokens: &[Lexeme]) -> Vec<std::borrow::Cow<'a, str>> {
    tokens
        .iter()
        .filter(|lexeme| matches!(lexeme.token, Token::Word | Token::Symbol))
        .map(|lexeme| {
            let word = lexeme.of(text);
            if word.bytes().any(|byte| byte.is_ascii_uppercase()) {
                word.to_ascii_lowercase().into()
            } else {
                word.into()
            }
        })
        .collect()
}

/// The latest of the classes of the statements in a block of code, strings included. None if there is no DDL in it.
pub(super) fn class_within(code: &str) -> Option<Class> {
    const LOOKAHEAD: usize = 24;
    let tokens: Vec<Lexeme> = Lexer::new(code).filter(|lexeme| lexeme.token != Token::Comment).collect();
    let words = words(code, &tokens);
    let here = (0..words.len()).filter_map(|index| {
        if !matches!(&*words[index], "create" | "alter" | "drop" | "grant" | "revoke" | "comment") {
            return None;
        }
        let end = words[index..].iter().take(LOOKAHEAD).position(|word| word == ";");
        let end = index + end.unwrap_or(LOOKAHEAD.min(words.len() - index));
        let statement: Vec<&str> = words[index..end].iter().map(AsRef::as_ref).collect();
        class_of(&statement)
    });
    let inside = tokens.iter().filter(|lexeme| lexeme.token == Token::String).filter_map(|lexeme| {
        let literal = lexeme.of(code);
        let open = literal.find(['\'', '$'])? + 1;
        class_within(literal.get(open..)?.trim_start_matches('$').trim_end_matches(['\'', '$']))
    });
    here.chain(inside).max()
}

/// The roles that a block of code creates by their names, strings left out.
pub(super) fn roles_within(code: &str) -> Vec<String> {
    let tokens: Vec<Lexeme> = Lexer::new(code).filter(|lexeme| lexeme.token != Token::Comment).collect();
    let created = tokens.windows(4).filter_map(|four| {
        let [create, role, name, next] = four else { return None };
        let is = |lexeme: &Lexeme, words: &[&str]| words.iter().any(|word| lexeme.is_word(code, word));
        let is_mapping = is(role, &["user"]) && is(name, &["mapping"]) && is(next, &["for", "if"]);
        let creates = is(create, &["create"]) && is(role, &["role", "user", "group"]) && !is_mapping;
        creates.then(|| name.name(code)).flatten()
    });
    created.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_created_by_their_names() {
        let code = "BEGIN CREATE ROLE app LOGIN; create user \"App\"; CREATE USER MAPPING FOR app SERVER s;
            EXECUTE 'CREATE ROLE other'; END";
        assert_eq!(roles_within(code), ["app", "App"]);
    }

    #[test]
    fn blocks_load_with_the_latest_thing_they_define() {
        for (code, class) in [
            (
                "BEGIN CREATE TYPE mood AS ENUM ('a'); EXCEPTION WHEN duplicate_object THEN null; END",
                Some(Class::Type),
            ),
            (
                "BEGIN IF NOT EXISTS (SELECT FROM pg_roles) THEN CREATE ROLE app; END IF; END",
                Some(Class::Role),
            ),
            (
                "BEGIN EXECUTE format('ALTER TABLE %I ADD CONSTRAINT x CHECK (true)', t); END",
                Some(Class::Constraint),
            ),
            ("BEGIN CREATE TABLE t (); CREATE INDEX ON t (a); END", Some(Class::Index)),
            ("BEGIN RAISE NOTICE 'hello'; END", None),
            ("BEGIN EXECUTE '", None),
        ] {
            assert_eq!(class_within(code), class, "{code}");
        }
    }
}
