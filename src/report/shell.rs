//! Words of a command that is to be pasted into a shell.

use crate::visible::visible_line;

/// A word as a shell reads it: quoted where it has to be.
pub fn word(text: &str) -> String {
    let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | '@' | ':');
    if !text.is_empty() && text.chars().all(fine) {
        text.to_owned()
    } else {
        format!("'{}'", visible_line(text).replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_shell_would_read_otherwise_is_quoted() {
        assert_eq!(word("plans/20261121-tier"), "plans/20261121-tier");
        assert_eq!(word("my plans"), "'my plans'");
        assert_eq!(word("it's"), "'it'\\''s'");
        assert_eq!(word(""), "''");
    }
}
