//! Makes text from elsewhere safe to show.
//!
//! A name, comment or default can hold control characters that move a terminal's cursor, and bidirectional or
//! invisible ones that make a statement look like another. Whoever shows a plan shows those as `\u{202e}`.

use std::{borrow::Cow, fmt::Write};

/// The text with everything that deceives the eye written out; line ends and tabs stay.
pub fn visible(text: &str) -> Cow<'_, str> {
    escape(text, |c| c != '\n' && c != '\t' && deceives(c))
}

/// The same in one line: line ends and tabs are written out too.
pub fn visible_line(text: &str) -> Cow<'_, str> {
    escape(text, deceives)
}

fn escape(text: &str, wrong: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&wrong) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            _ if !wrong(c) => shown.push(c),
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            // writing to a String cannot fail
            _ => {
                let _ = write!(shown, "\\u{{{:x}}}", u32::from(c));
            }
        }
    }
    Cow::Owned(shown)
}

/// Controls, and what Unicode has to reorder, hide or end a line (UAX #9, UTR #36).
fn deceives(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_deceives_is_written_out() {
        assert_eq!(visible("a\u{202e}b\nc\td\r\u{1b}[2J"), "a\\u{202e}b\nc\td\\r\\u{1b}[2J");
        assert_eq!(visible_line("a\nb\u{200b}"), "a\\nb\\u{200b}");
        assert!(matches!(visible("größe 表 🦀"), Cow::Borrowed(_)));
    }
}
