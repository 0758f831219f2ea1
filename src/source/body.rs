//! The names that occur in function bodies: where PostgreSQL records no dependency, these say what may be needed.
//!
//! Everything that looks like a name is taken, also inside strings (`EXECUTE '…'`). Too many do no harm: the
//! dependencies made of them yield where they would close a circle.

use std::collections::BTreeSet;

use super::lex::{Lexeme, Lexer, Token};

/// Names have no more parts: database, schema, table, column.
const LONGEST: usize = 4;

/// Strings in strings in strings are looked into this deep.
const DEEPEST: usize = 3;

/// The names, qualified or not, in a function body, folded as PostgreSQL folds them. Of `a.b.c` also each
/// part: `a.b`, `b.c`, `b` …
pub fn names_in(body: &str) -> BTreeSet<Vec<String>> {
    let mut names = BTreeSet::new();
    collect(body, 0, &mut names);
    names
}

fn collect(text: &str, depth: usize, names: &mut BTreeSet<Vec<String>>) {
    let tokens: Vec<Lexeme> = Lexer::new(text).filter(|lexeme| lexeme.token != Token::Comment).collect();
    let mut chain: Vec<String> = Vec::new();
    for (index, lexeme) in tokens.iter().enumerate() {
        if let Some(name) = lexeme.name(text) {
            let joined = index > 0 && tokens[index - 1].is_symbol(text, ".");
            if !joined {
                chain.clear();
            }
            chain.push(name);
            chain.drain(..chain.len().saturating_sub(LONGEST));
            names.extend((0..chain.len()).map(|from| chain[from..].to_vec()));
        } else if !lexeme.is_symbol(text, ".") {
            chain.clear();
            if matches!(lexeme.token, Token::String | Token::Open) && depth < DEEPEST {
                collect(inside(lexeme.of(text)), depth + 1, names);
            }
        }
    }
}

/// What is between the quotes, as it is written. Always shorter than the literal.
fn inside(literal: &str) -> &str {
    let start = literal.find(['\'', '$', '"', '*']).unwrap_or(0);
    let opening = &literal[start..];
    let quote = match opening.strip_prefix('$').and_then(|rest| rest.find('$')) {
        Some(end) => &opening[..end + 2],
        None => opening.get(..1).unwrap_or(""),
    };
    let rest = &opening[quote.len()..];
    rest.strip_suffix(quote).unwrap_or(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_qualified_folded_and_in_strings() {
        let names = names_in(
            "BEGIN -- hidden\n INSERT INTO App.\"Audit Log\" (x) SELECT f(1) FROM orders o; \
             EXECUTE format('DELETE FROM %I.stock WHERE y = ''z''', s); v := $q$ SELECT deep() $q$; END",
        );
        let has =
            |parts: &[&str]| names.contains(&parts.iter().map(|part| (*part).to_owned()).collect::<Vec<_>>());
        for parts in [&["app", "Audit Log"][..], &["app"], &["f"], &["orders"], &["stock"], &["deep"], &["z"]]
        {
            assert!(has(parts), "{parts:?} not in {names:?}");
        }
        assert!(!has(&["hidden"]) && !has(&["Orders"]));
    }

    #[test]
    fn any_text_is_a_body() {
        for text in ["", "'", "$", "$$", "$a$", "E'\\", "\"", "a..b.", "\0.\0", "/*", "ü.ß", "'ü", "$ü$ x"]
        {
            let _ = names_in(text);
        }
    }
}
