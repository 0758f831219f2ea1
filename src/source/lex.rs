//! SQL cut into tokens as psql cuts it, whatever the text: nothing here fails.
//!
//! pg_query has a scanner too, but it gives up at the first NUL, backslash or open quote, and those are what has to
//! be found and named. Which words are keywords is left to the parser.

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Token {
    /// A keyword or an unquoted name.
    Word,
    /// A name in double quotes.
    Quoted,
    /// A string: in quotes, escaped, or between dollar quotes.
    String,
    /// A number or a parameter.
    Number,
    /// A comment of either form.
    Comment,
    /// One other character.
    Symbol,
    /// A quote or a comment that never ends.
    Open,
}

/// A token and its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lexeme {
    /// What it is.
    pub token: Token,
    /// Its first byte.
    pub start: usize,
    /// The byte after its last.
    pub end: usize,
}

impl Lexeme {
    /// Its text.
    pub fn of<'a>(&self, text: &'a str) -> &'a str {
        text.get(self.start..self.end).unwrap_or("")
    }

    /// Whether it is this word, which is given in lower case.
    pub fn is_word(&self, text: &str, word: &str) -> bool {
        self.token == Token::Word && self.of(text).eq_ignore_ascii_case(word)
    }

    /// Whether it is this character.
    pub fn is_symbol(&self, text: &str, symbol: &str) -> bool {
        self.token == Token::Symbol && self.of(text) == symbol
    }

    /// The name that it is, folded and unquoted as PostgreSQL does. None for what is no name.
    pub fn name(&self, text: &str) -> Option<String> {
        let mut name = match self.token {
            Token::Word => self.of(text).to_ascii_lowercase(),
            Token::Quoted => {
                let raw = self.of(text);
                let raw = raw.find('"').map_or(raw, |quote| &raw[quote + 1..]);
                raw.strip_suffix('"').unwrap_or(raw).replace("\"\"", "\"")
            }
            _ => return None,
        };
        let mut end = name.len().min(LONGEST_NAME);
        while !name.is_char_boundary(end) {
            end -= 1;
        }
        name.truncate(end);
        Some(name)
    }
}

/// PostgreSQL cuts longer names off: NAMEDATALEN - 1.
const LONGEST_NAME: usize = 63;

/// Goes through a text token by token.
pub(crate) struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    /// A lexer at the beginning of a text.
    pub fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// Goes on behind the end of the line in which the byte `at` is, and says where that is.
    pub fn skip_line(&mut self, at: usize) -> usize {
        let rest = self.text.as_bytes().get(at..).unwrap_or(&[]);
        self.at =
            rest.iter().position(|byte| *byte == b'\n').map_or(self.text.len(), |newline| at + newline + 1);
        self.at
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }

    /// The first byte from `from` on for which `stop` holds, else the end.
    fn until(&self, from: usize, stop: impl Fn(u8) -> bool) -> usize {
        let bytes = self.text.as_bytes().get(from..).unwrap_or(&[]);
        bytes.iter().position(|byte| stop(*byte)).map_or(self.text.len(), |found| from + found)
    }

    /// The end of what is quoted by `quote` and begins behind `from`; a doubled quote is part of it, and a string goes on in
    /// the next quotes where nothing but a line end is between them (PostgreSQL manual, 4.1.2.1).
    fn quoted(&self, from: usize, quote: u8, escapes: bool) -> Option<usize> {
        let mut at = from;
        loop {
            at = self.until(at, |byte| byte == quote || escapes && byte == b'\\');
            match (self.byte(at)?, self.byte(at + 1)) {
                (b'\\', _) if escapes => at += 2,
                (_, Some(next)) if next == quote => at += 2,
                _ => match self.continued(at + 1).filter(|_| quote == b'\'') {
                    Some(behind) => at = behind,
                    None => return Some(at + 1),
                },
            }
        }
    }

    /// Behind the quote by which a string that ended at `from` goes on: white space with a line end is between, and comments
    /// that end with their line.
    fn continued(&self, from: usize) -> Option<usize> {
        let (mut at, mut broken) = (from, false);
        loop {
            match self.byte(at)? {
                b'\n' | b'\r' => broken = true,
                b' ' | b'\t' | b'\x0b' | b'\x0c' => {}
                b'-' if self.byte(at + 1) == Some(b'-') => {
                    at = self.until(at, |byte| byte == b'\n' || byte == b'\r');
                    continue;
                }
                b'\'' if broken => return Some(at + 1),
                _ => return None,
            }
            at += 1;
        }
    }

    /// The end of the comment `/* … */` that begins at `from`; comments nest.
    fn block_comment(&self, from: usize) -> Option<usize> {
        let (mut at, mut depth) = (from, 0usize);
        loop {
            at = self.until(at, |byte| byte == b'*' || byte == b'/');
            match (self.byte(at)?, self.byte(at + 1)) {
                (b'/', Some(b'*')) => {
                    depth += 1;
                    at += 2;
                }
                (b'*', Some(b'/')) => {
                    depth -= 1;
                    at += 2;
                    if depth == 0 {
                        return Some(at);
                    }
                }
                _ => at += 1,
            }
        }
    }

    /// The tag, with its dollars, of the dollar quote that begins at `from`.
    fn dollar_tag(&self, from: usize) -> Option<&'a str> {
        let end = self.until(from + 1, |byte| !is_name_byte(byte) || byte == b'$');
        let tagged = self.byte(from + 1).is_none_or(|first| !first.is_ascii_digit());
        (self.byte(end) == Some(b'$') && tagged).then(|| &self.text[from..=end])
    }
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80
}

impl Iterator for Lexer<'_> {
    type Item = Lexeme;

    fn next(&mut self) -> Option<Lexeme> {
        let start = self.until(self.at, |byte| !(byte.is_ascii_whitespace() || byte == 0x0b));
        let first = self.byte(start)?;
        let second = self.byte(start + 1);
        // a string or name in quotes that begins `behind`; without an end it is open up to the end of the text
        let quoted = |token, behind, quote, escapes| match self.quoted(behind, quote, escapes) {
            Some(end) => (token, end),
            None => (Token::Open, self.text.len()),
        };
        let (token, end) = match (first, second) {
            (b'-', Some(b'-')) => (Token::Comment, self.until(start, |byte| byte == b'\n' || byte == b'\r')),
            (b'/', Some(b'*')) => match self.block_comment(start) {
                Some(end) => (Token::Comment, end),
                None => (Token::Open, self.text.len()),
            },
            (b'\'', _) => quoted(Token::String, start + 1, b'\'', false),
            (b'"', _) => quoted(Token::Quoted, start + 1, b'"', false),
            (b'e' | b'E', Some(b'\'')) => quoted(Token::String, start + 2, b'\'', true),
            (b'b' | b'B' | b'x' | b'X' | b'n' | b'N', Some(b'\'')) => {
                quoted(Token::String, start + 2, b'\'', false)
            }
            (b'u' | b'U', Some(b'&')) if self.byte(start + 2) == Some(b'\'') => {
                quoted(Token::String, start + 3, b'\'', false)
            }
            (b'u' | b'U', Some(b'&')) if self.byte(start + 2) == Some(b'"') => {
                quoted(Token::Quoted, start + 3, b'"', false)
            }
            (b'$', _) => match self.dollar_tag(start) {
                Some(tag) => match self.text[start + tag.len()..].find(tag) {
                    Some(found) => (Token::String, start + 2 * tag.len() + found),
                    None => (Token::Open, self.text.len()),
                },
                None if second.is_some_and(|digit| digit.is_ascii_digit()) => {
                    (Token::Number, self.until(start + 1, |byte| !byte.is_ascii_digit()))
                }
                None => (Token::Symbol, start + 1),
            },
            (b'0'..=b'9', _) => (
                Token::Number,
                self.until(start, |byte| !(byte.is_ascii_alphanumeric() || b"._".contains(&byte))),
            ),
            _ if is_name_byte(first) => (Token::Word, self.until(start, |byte| !is_name_byte(byte))),
            _ => (Token::Symbol, start + 1),
        };
        let end = end.min(self.text.len());
        self.at = end;
        Some(Lexeme { token, start, end })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Vec<(Token, &str)> {
        Lexer::new(text).map(|lexeme| (lexeme.token, lexeme.of(text))).collect()
    }

    #[test]
    fn quotes_end_where_postgres_ends_them() {
        for text in [
            "'it''s'",
            "'back\\'",
            "E'it\\'s'",
            "e'\\\\'",
            "$$a;b$$",
            "$x$ $$ $y$ $x$",
            "\"a\"\"b\"",
            "U&\"d\\0061\"",
            "N'x'",
            "/* a /* b */ c */",
            "-- a ' b",
            "größe",
            "a$b$c",
            "$1",
        ] {
            assert_eq!(tokens(text).len(), 1, "{text}: {:?}", tokens(text));
        }
        assert_eq!(tokens("a$$b").len(), 1);
        assert_eq!(tokens("'a").last().map(|token| token.0), Some(Token::Open));
        assert_eq!(tokens("/* /* */").last().map(|token| token.0), Some(Token::Open));
    }

    #[test]
    fn names_are_folded_as_postgres_folds_them() {
        let name = |text: &str| Lexer::new(text).next().and_then(|lexeme| lexeme.name(text));
        assert_eq!(name("Orders").as_deref(), Some("orders"));
        assert_eq!(name("\"Or\"\"ders\"").as_deref(), Some("Or\"ders"));
        assert_eq!(name(&"a".repeat(70)).map(|name| name.len()), Some(63));
        assert_eq!(name("'x'"), None);
    }
}
