//! Statements by their words: a pattern says which begin a statement, and where in it the names are.
//!
//! ```text
//! DROP FUNCTION|PROCEDURE [ IF EXISTS ] <it> ( … )
//! ```
//!
//! Words in capitals are keywords, one of several with `|` between them, and what stands between `[` and `]` may be left out.
//! `<it>` is a name with its schema, `<one>` a name without, `<n>` a number, `…` whatever stands there up to what follows (parentheses
//! closed, no semicolon), `***` all that is left, `\[` a bracket, `'` a string, and anything else a symbol. A pattern is all
//! of a statement.

use std::ops::Range;

use crate::source::lex::{Lexeme, Lexer, Token};

/// A statement, or what is between its quotes, cut into tokens.
#[derive(Debug, Clone)]
pub(super) struct Words<'a> {
    text: &'a str,
    tokens: Vec<Lexeme>,
}

/// What a pattern found: its names, and what stood for `…` and `***`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// The names, in order.
    pub names: Vec<Vec<String>>,
    /// What is not said by the pattern, in order.
    pub rest: Vec<Range<usize>>,
}

impl<'a> Words<'a> {
    /// The tokens of a text, without comments.
    pub fn of(text: &'a str) -> Self {
        Self { text, tokens: Lexer::new(text).filter(|it| it.token != Token::Comment).collect() }
    }

    /// Whether PostgreSQL's own scanner has the same strings, quoted names, comments and semicolons in the text: else what
    /// stands outside of them would not be what the server reads.
    pub fn are_certain(&self) -> bool {
        use pg_query::protobuf::Token::{Ascii59, Bconst, CComment, Sconst, SqlComment, Usconst, Xconst};
        let Ok(scanned) = pg_query::scan(self.text) else { return false };
        let theirs = scanned.tokens.iter().filter_map(|it| {
            let (start, end) = (usize::try_from(it.start).ok()?, usize::try_from(it.end).ok()?);
            let fixed = [Ascii59, Bconst, CComment, Sconst, SqlComment, Usconst, Xconst];
            let quoted = || self.text.get(start..end).is_some_and(|name| name.ends_with('"'));
            (fixed.contains(&it.token()) || quoted()).then_some((start, end))
        });
        let ours = Lexer::new(self.text).filter(|it| match it.token {
            Token::String | Token::Quoted | Token::Comment | Token::Open => true,
            Token::Symbol => it.is_symbol(self.text, ";"),
            Token::Word | Token::Number => false,
        });
        theirs.eq(ours.map(|it| (it.start, it.end)))
    }

    /// Some of them.
    pub fn part(&self, range: &Range<usize>) -> Self {
        Self { text: self.text, tokens: self.tokens.get(range.clone()).unwrap_or_default().to_vec() }
    }

    /// Whether they match a pattern from the first to the last one.
    pub fn find(&self, pattern: &str) -> Option<Found> {
        let pattern: Vec<&str> = pattern.split_whitespace().collect();
        self.go_on(&pattern, 0, Found::default())
    }

    /// The first pattern that they match, of several with something behind each.
    pub fn first<'p, T>(&self, patterns: &'p [(&'p str, T)]) -> Option<(&'p T, Found)> {
        patterns.iter().find_map(|(pattern, what)| Some((what, self.find(pattern)?)))
    }

    /// Whether a keyword stands outside all parentheses.
    pub fn has_outside(&self, word: &str) -> bool {
        self.outside().any(|at| self.is_word(at, word))
    }

    /// The names that stand behind a keyword, wherever it is.
    pub fn names_behind(&self, keyword: &str) -> Vec<Vec<String>> {
        let behind = (0..self.tokens.len()).filter(|at| self.is_word(*at, keyword)).map(|at| at + 1);
        let behind = behind.map(|at| if self.is_word(at, "only") { at + 1 } else { at });
        behind.filter_map(|at| Some(self.qualified(at)?.0)).collect()
    }

    /// The name that is given to a keyword, wherever that is: `multirange_type_name = s.n`.
    pub fn assigned(&self, keyword: &str) -> Option<Vec<String>> {
        let at =
            (0..self.tokens.len()).find(|at| self.is_word(*at, keyword) && self.is_symbol(at + 1, "="))?;
        Some(self.qualified(at + 2)?.0)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.tokens.len()
    }

    /// Whether a symbol stands anywhere.
    pub fn has_symbol(&self, symbol: &str) -> bool {
        (0..self.tokens.len()).any(|at| self.is_symbol(at, symbol))
    }

    /// Whether a semicolon stands anywhere.
    pub fn has_semicolon(&self) -> bool {
        self.has_symbol(";")
    }

    /// Whether a quote or a comment never ends.
    pub fn is_open(&self) -> bool {
        self.tokens.iter().any(|it| it.token == Token::Open)
    }

    /// What stands between commas outside of parentheses.
    pub fn listed(&self) -> Vec<Self> {
        let commas = self.outside().filter(|at| self.is_symbol(*at, ","));
        let ends: Vec<usize> = commas.chain([self.tokens.len()]).collect();
        let starts = std::iter::once(0).chain(ends.iter().map(|end| end + 1));
        starts.zip(&ends).map(|(start, end)| self.part(&(start..*end))).collect()
    }

    /// The text between the dollar quotes of the one string that they are: as it stands there, so that it is what PostgreSQL
    /// reads.
    pub fn quoted(&self) -> Option<&'a str> {
        let [one] = self.tokens.as_slice() else { return None };
        let text = Some(one.of(self.text)).filter(|_| one.token == Token::String)?;
        let tag = text.strip_prefix('$')?.find('$')?;
        let quote = &text[..tag + 2];
        text.strip_prefix(quote)?.strip_suffix(quote)
    }

    /// As they stand in their text.
    pub fn shown(&self) -> &'a str {
        let start = self.tokens.first().map_or(0, |it| it.start);
        let end = self.tokens.last().map_or(start, |it| it.end);
        self.text.get(start..end).unwrap_or("")
    }

    /// As they are compared: with one space between them.
    pub fn normal(&self) -> String {
        self.tokens.iter().map(|it| it.of(self.text)).collect::<Vec<_>>().join(" ")
    }

    /// The places of tokens that are in no parentheses or brackets.
    fn outside(&self) -> impl Iterator<Item = usize> {
        let mut depth = 0_usize;
        (0..self.tokens.len()).filter(move |at| {
            if self.opens(*at) {
                depth += 1;
                return depth == 1;
            }
            if self.closes(*at) {
                depth = depth.saturating_sub(1);
            }
            depth == 0
        })
    }

    fn opens(&self, at: usize) -> bool {
        self.is_symbol(at, "(") || self.is_symbol(at, "[")
    }

    fn closes(&self, at: usize) -> bool {
        self.is_symbol(at, ")") || self.is_symbol(at, "]")
    }

    fn is_symbol(&self, at: usize, symbol: &str) -> bool {
        self.tokens.get(at).is_some_and(|it| it.is_symbol(self.text, symbol))
    }

    fn is_word(&self, at: usize, word: &str) -> bool {
        let word = word.to_ascii_lowercase();
        self.tokens.get(at).is_some_and(|it| it.is_word(self.text, &word))
    }

    /// A name at this place, and the place behind it. One that escapes characters (`U&"…"`) is none: trueup writes none.
    fn name(&self, at: usize) -> Option<(String, usize)> {
        let token = self.tokens.get(at)?;
        let plain = token.token == Token::Word || token.of(self.text).starts_with('"');
        Some((token.name(self.text).filter(|_| plain)?, at + 1))
    }

    fn qualified(&self, at: usize) -> Option<(Vec<String>, usize)> {
        let (name, mut at) = self.name(at)?;
        let mut parts = vec![name];
        while self.is_symbol(at, ".") {
            let (name, next) = self.name(at + 1)?;
            parts.push(name);
            at = next;
        }
        Some((parts, at))
    }

    /// Matches the rest of a pattern from the token at this place on.
    fn go_on(&self, pattern: &[&str], at: usize, found: Found) -> Option<Found> {
        let Some((first, rest)) = pattern.split_first() else {
            return (at == self.tokens.len()).then_some(found);
        };
        match *first {
            "[" => {
                let end = rest.iter().position(|it| *it == "]").unwrap_or(rest.len());
                let (inner, behind) = (&rest[..end], rest.get(end + 1..).unwrap_or_default());
                let with = [inner, behind].concat();
                self.go_on(&with, at, found.clone()).or_else(|| self.go_on(behind, at, found))
            }
            "***" => {
                let mut found = found;
                found.rest.push(at..self.tokens.len());
                Some(found)
            }
            "…" => self.closed_ends(at).find_map(|end| {
                let mut found = found.clone();
                found.rest.push(at..end);
                self.go_on(rest, end, found)
            }),
            "<it>" => {
                let (name, next) = self.qualified(at)?;
                self.go_on(rest, next, Found { names: [found.names, vec![name]].concat(), ..found })
            }
            "<one>" => {
                let (name, next) = self.name(at)?;
                self.go_on(rest, next, Found { names: [found.names, vec![vec![name]]].concat(), ..found })
            }
            "<n>" => {
                let at = if self.is_symbol(at, "-") { at + 1 } else { at };
                let is_number = self.tokens.get(at).is_some_and(|it| it.token == Token::Number);
                is_number.then(|| self.go_on(rest, at + 1, found)).flatten()
            }
            "'" => {
                let is_string = self.tokens.get(at).is_some_and(|it| it.token == Token::String);
                is_string.then(|| self.go_on(rest, at + 1, found)).flatten()
            }
            word if word.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '$') => {
                let text = self.tokens.get(at)?.of(self.text);
                let is_it = word.split('|').any(|one| one.eq_ignore_ascii_case(text));
                is_it.then(|| self.go_on(rest, at + 1, found)).flatten()
            }
            symbols => {
                let symbols = symbols.strip_prefix('\\').unwrap_or(symbols);
                let mut next = at;
                for symbol in symbols.split("").filter(|it| !it.is_empty()) {
                    self.is_symbol(next, symbol).then_some(())?;
                    next += 1;
                }
                self.go_on(rest, next, found)
            }
        }
    }

    /// Where something that begins at this place may end: parentheses are closed, and there is no semicolon.
    fn closed_ends(&self, from: usize) -> impl Iterator<Item = usize> {
        let mut depth = 0_i32;
        let tokens = (from..self.tokens.len()).map_while(move |at| {
            depth += i32::from(self.opens(at)) - i32::from(self.closes(at));
            (depth >= 0 && !self.is_symbol(at, ";")).then_some((at + 1, depth))
        });
        std::iter::once(from).chain(tokens.filter(|(_, depth)| *depth == 0).map(|(end, _)| end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str, pattern: &str) -> Option<Vec<Vec<String>>> {
        Words::of(text).find(pattern).map(|found| found.names)
    }

    #[test]
    fn a_pattern_is_all_of_a_statement() {
        let drop = "DROP FUNCTION|PROCEDURE [ IF EXISTS ] <it> ( … )";
        let name = vec![vec!["a b".to_owned(), "f".to_owned()]];
        assert_eq!(names("DROP FUNCTION \"a b\".F(integer, text)", drop), Some(name.clone()));
        assert_eq!(names("drop /* x */ procedure if exists \"a b\".f()", drop), Some(name));
        assert_eq!(names("DROP FUNCTION a.f() CASCADE", drop), None);
        assert_eq!(names("DROP FUNCTION a.f(), b.g()", drop), None);
        assert_eq!(names("DROP FUNCTION U&\"a\".f()", drop), None);
    }

    #[test]
    fn what_stands_for_dots_is_closed() {
        let proof = "IF EXISTS ( SELECT … ) THEN RAISE ' ; END IF ;";
        assert!(names("IF EXISTS (SELECT f(x) FROM (SELECT 1) y) THEN RAISE 'x'; END IF;", proof).is_some());
        for text in [
            "IF EXISTS (SELECT 1) THEN DROP TABLE x; END IF; IF EXISTS (SELECT 1) THEN RAISE 'x'; END IF;",
            "IF EXISTS (SELECT 1) OR EXISTS (SELECT 2) THEN RAISE 'x'; END IF;",
            "IF EXISTS (SELECT 1; SELECT 2) THEN RAISE 'x'; END IF;",
        ] {
            assert!(names(text, proof).is_none(), "{text}");
        }
    }

    #[test]
    fn lists_are_cut_at_their_own_commas() {
        let listed = Words::of("ADD CHECK (a IN (1, 2)), DROP COLUMN b").listed();
        assert_eq!(
            listed.iter().map(Words::normal).collect::<Vec<_>>(),
            ["ADD CHECK ( a IN ( 1 , 2 ) )", "DROP COLUMN b"]
        );
    }
}
