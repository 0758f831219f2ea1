//! A file's text cut into statements, as psql would.

use crate::{
    annotation::Location,
    source::lex::{Lexeme, Lexer, Token},
};

use super::{DesiredError, words};

/// A text, its tokens and its statements.
pub(super) struct Split<'a> {
    /// The text, without a byte order mark.
    pub text: &'a str,
    /// All tokens, comments too.
    pub tokens: Vec<Lexeme>,
    /// The statements.
    pub statements: Vec<Piece>,
    /// What is no SQL at all.
    pub errors: Vec<DesiredError>,
    name: &'a str,
    lines: Vec<usize>,
}

/// A statement's tokens: indices into [`Split::tokens`]. Neither begins nor ends with a comment, and has no semicolon.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece {
    pub first: usize,
    pub behind: usize,
    /// Whether data for `COPY` followed.
    pub data: bool,
}

impl<'a> Split<'a> {
    /// Cuts a file.
    pub fn new(name: &'a str, text: &'a str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        let mut split =
            Self { text, tokens: Vec::new(), statements: Vec::new(), errors: Vec::new(), name, lines };
        if let Some(nul) = text.find('\0') {
            let at = split.location(nul);
            let message = "a NUL byte: is this a file of SQL?".to_owned();
            split.errors.push(DesiredError::Syntax { at, message });
        } else {
            split.cut();
        }
        split
    }

    /// The place of a byte.
    pub fn location(&self, offset: usize) -> Location {
        let line = self.line(offset);
        let start = self.lines.get(line - 1).copied().unwrap_or(0);
        let mut end = offset.min(self.text.len());
        while !self.text.is_char_boundary(end) {
            end -= 1;
        }
        let column = self.text.get(start..end).unwrap_or("").chars().count() + 1;
        Location { file: self.name.to_owned(), line, column }
    }

    /// The line, from 1, of a byte.
    pub fn line(&self, offset: usize) -> usize {
        self.lines.partition_point(|start| *start <= offset).max(1)
    }

    /// The tokens of a statement, comments too.
    pub fn tokens_of(&self, piece: Piece) -> &[Lexeme] {
        self.tokens.get(piece.first..piece.behind).unwrap_or(&[])
    }

    /// The bytes of a statement.
    pub fn range(&self, piece: Piece) -> std::ops::Range<usize> {
        let tokens = self.tokens_of(piece);
        let start = tokens.first().map_or(0, |lexeme| lexeme.start);
        start..tokens.last().map_or(start, |lexeme| lexeme.end)
    }

    fn cut(&mut self) {
        let mut lexer = Lexer::new(self.text);
        let mut open = Open::default();
        while let Some(lexeme) = lexer.next() {
            let index = self.tokens.len();
            if lexeme.is_symbol(self.text, "\\") {
                lexer.skip_line(lexeme.start);
                self.meta_command(lexeme.start, open.first);
                continue;
            }
            self.tokens.push(lexeme);
            match lexeme.token {
                Token::Comment => continue,
                Token::Open => {
                    let what = match self.text.as_bytes().get(lexeme.start) {
                        Some(b'/') => "comment",
                        Some(b'"') => "quoted name",
                        Some(b'$') => "dollar-quoted string",
                        _ => "quoted string",
                    };
                    let message = format!("unterminated {what}: it begins here and never ends");
                    self.errors.push(DesiredError::Syntax { at: self.location(lexeme.start), message });
                    return;
                }
                _ => {}
            }
            if open.depth == 0 && open.atomic == 0 && lexeme.is_symbol(self.text, ";") {
                if let Some(first) = open.first {
                    let data = self.reads_stdin(first);
                    self.statements.push(Piece { first, behind: open.behind, data });
                    if data {
                        skip_data(&mut lexer, self.text, lexeme.end);
                    }
                }
                open = Open::default();
            } else {
                open.add(self.text, &self.tokens, index);
            }
        }
        if let Some(first) = open.first {
            self.statements.push(Piece { first, behind: open.behind, data: false });
        }
    }

    /// A line for psql, maybe within the statement that begins with the token `statement`: what a dump has is skipped, everything
    /// else refused.
    fn meta_command(&mut self, offset: usize, statement: Option<usize>) {
        let rest = &self.text[offset + 1..];
        let end = rest.find(|c: char| c.is_whitespace() || c == ';').unwrap_or(rest.len());
        let command = &rest[..end];
        if statement.is_none() && matches!(command, "restrict" | "unrestrict") {
            return;
        }
        let advice = match command {
            "i" | "ir" | "include" | "include_relative" => {
                "give trueup the folder instead: it reads every .sql file, in any order"
            }
            "c" | "connect" => "remove the line: trueup connects by --url and stays in that database",
            _ => "remove the line: only SQL is read, not psql's own commands",
        };
        let before = statement.and_then(|first| self.tokens.get(first..)).unwrap_or(&[]);
        let what = if words::may_have_a_secret(self.text, before) {
            "a backslash outside of quotes".to_owned()
        } else {
            format!("the psql command \\{command}")
        };
        self.errors.push(DesiredError::Refused {
            at: self.location(offset),
            what,
            advice: advice.to_owned(),
        });
    }

    /// Whether the statement from the token `first` on is `COPY … FROM stdin`.
    fn reads_stdin(&self, first: usize) -> bool {
        let tokens = &self.tokens[first..];
        tokens[0].is_word(self.text, "copy")
            && tokens
                .windows(2)
                .any(|pair| pair[0].is_word(self.text, "from") && pair[1].is_word(self.text, "stdin"))
    }
}

/// Goes on behind the data that follows a `COPY`: the lines up to one of `\.`.
fn skip_data(lexer: &mut Lexer<'_>, text: &str, from: usize) {
    let mut at = lexer.skip_line(from);
    while at < text.len() {
        let next = lexer.skip_line(at);
        if text[at..next].trim_end() == "\\." {
            return;
        }
        at = next;
    }
}

/// A statement that has not ended yet.
#[derive(Default)]
struct Open {
    first: Option<usize>,
    behind: usize,
    depth: usize,
    /// How many `END`s are missing in the body of a function in standard SQL.
    atomic: usize,
}

impl Open {
    fn add(&mut self, text: &str, tokens: &[Lexeme], index: usize) {
        let lexeme = tokens[index];
        let first = *self.first.get_or_insert(index);
        match lexeme.of(text) {
            "(" if lexeme.token == Token::Symbol => self.depth += 1,
            ")" if lexeme.token == Token::Symbol => self.depth = self.depth.saturating_sub(1),
            _ if lexeme.token != Token::Word => {}
            word if word.eq_ignore_ascii_case("atomic") => {
                let begun = tokens[first..self.behind.max(first)].last();
                if begun.is_some_and(|begin| begin.is_word(text, "begin"))
                    && tokens[first].is_word(text, "create")
                {
                    self.atomic = 1;
                }
            }
            word if self.atomic > 0 && word.eq_ignore_ascii_case("case") => self.atomic += 1,
            word if self.atomic > 0 && word.eq_ignore_ascii_case("end") => self.atomic -= 1,
            _ => {}
        }
        self.behind = index + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statements(text: &str) -> Vec<String> {
        let split = Split::new("a.sql", text);
        assert!(split.errors.is_empty(), "{:?}", split.errors);
        split.statements.iter().map(|piece| split.text[split.range(*piece)].to_owned()).collect()
    }

    fn error(text: &str) -> String {
        Split::new("a.sql", text).errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn statements_end_where_psql_ends_them() {
        assert_eq!(
            statements(
                "\u{feff}-- x;\nSELECT 1 /* ; */ ; ; CREATE RULE r AS ON INSERT TO t DO (a; b);\n SELECT ';'"
            ),
            ["SELECT 1", "CREATE RULE r AS ON INSERT TO t DO (a; b)", "SELECT ';'"]
        );
        assert_eq!(
            statements(
                "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END; x"
            ),
            [
                "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END",
                "x"
            ]
        );
        assert_eq!(
            statements("\\restrict abc'd\nCOPY t (a) FROM stdin;\n1\t'\n\\.\nSELECT 2;\n\\unrestrict x\n"),
            ["COPY t (a) FROM stdin", "SELECT 2"]
        );
    }

    #[test]
    fn what_is_no_sql_is_named_with_its_place() {
        assert!(
            error("SELECT 1;\n  \\i other.sql\n")
                .starts_with("a.sql:2:3: the psql command \\i does not belong")
        );
        let secret = error("CREATE SERVER s OPTIONS (password a\\hunter2);");
        assert!(
            secret.contains("a.sql:1:36: a backslash outside of quotes") && !secret.contains("hunter2"),
            "{secret}"
        );
        assert!(error("SELECT 1 \\gexec\n").starts_with("a.sql:1:10: the psql command \\gexec"));
        assert!(error("SELECT\n 'x").starts_with("a.sql:2:2: unterminated quoted string"));
        assert!(error("ä\0").starts_with("a.sql:1:2: a NUL byte"));
    }
}
