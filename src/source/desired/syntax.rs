//! One statement parsed by PostgreSQL's own grammar, and the place where that fails.

use pg_query::NodeEnum;

use crate::source::lex::Lexeme;

/// What a statement is.
pub(super) enum Parsed {
    /// It parses.
    Tree(Box<NodeEnum>),
    /// It is too large or too deep to parse here; PostgreSQL will say whether it is right.
    TooDeep,
    /// It does not parse: the byte of the statement where the parser stopped, and what it said.
    Wrong(usize, String),
}

/// No tree is deeper than its statement has tokens; up to so many the stack is enough.
const MOST_TOKENS: usize = 20_000;

/// Parses one statement; `tokens` are its own, whose places count from `start`.
pub(super) fn parse(text: &str, tokens: &[Lexeme], start: usize) -> Parsed {
    if tokens.len() > MOST_TOKENS {
        return Parsed::TooDeep;
    }
    match pg_query::parse(text, 0) {
        Ok(result) => {
            let mut trees = result.protobuf.stmts.into_iter();
            match trees.next().and_then(|raw| raw.stmt).and_then(|node| node.node) {
                Some(tree) => Parsed::Tree(Box::new(tree)),
                None => Parsed::TooDeep,
            }
        }
        Err(pg_query::Error::Parse(message)) if !is_about_depth(&message) => {
            Parsed::Wrong(fault(text, tokens, start), message)
        }
        Err(_) => Parsed::TooDeep,
    }
}

fn is_about_depth(message: &str) -> bool {
    ["stack depth", "memory exhausted", "too deep"].iter().any(|words| message.contains(words))
}

/// The byte at which the parser stopped. It reads from left to right, so the beginning of the statement up to a
/// token fails like the whole if the fault is in it, and otherwise only for want of more: the fault is found by halving.
fn fault(text: &str, tokens: &[Lexeme], start: usize) -> usize {
    let begins_wrong = |count: usize| {
        let end = tokens.get(count).map_or(text.len(), |lexeme| lexeme.end - start);
        matches!(pg_query::parse(text.get(..end).unwrap_or(text), 0),
            Err(pg_query::Error::Parse(message)) if !message.ends_with("at end of input"))
    };
    let (mut right, mut wrong) = (0, tokens.len());
    while right < wrong {
        let middle = usize::midpoint(right, wrong);
        if begins_wrong(middle) {
            wrong = middle;
        } else {
            right = middle + 1;
        }
    }
    tokens.get(wrong).map_or(text.len(), |lexeme| lexeme.start - start)
}
