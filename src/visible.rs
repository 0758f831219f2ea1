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

/// Whether the text has something that is not what it looks like, in one place or in several lines.
pub fn hides(text: &str) -> bool {
    text.contains(|c| c != '\n' && c != '\t' && deceives(c))
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

/// Controls, what Unicode has to reorder, hide or end a line (UAX #9, UTR #36), what is ignorable by default (UAX #44,
/// Default_Ignorable_Code_Point), and blanks that are no space.
pub fn deceives(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{a0}' | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{1680}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{2000}'..='\u{200f}' | '\u{2028}'..='\u{202f}' | '\u{205f}'..='\u{206f}'
            | '\u{2800}' | '\u{3000}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_deceives_is_written_out() {
        assert_eq!(visible("a\u{202e}b\nc\td\r\u{1b}[2J"), "a\\u{202e}b\nc\td\\r\\u{1b}[2J");
        assert_eq!(visible_line("a\nb\u{200b}"), "a\\nb\\u{200b}");
        for hidden in ['\u{a0}', '\u{2800}', '\u{3164}', '\u{fe0f}', '\u{e0101}', '\u{2003}'] {
            assert_eq!(visible(&hidden.to_string()), format!("\\u{{{:x}}}", u32::from(hidden)));
        }
        assert!(matches!(visible("größe 表 🦀"), Cow::Borrowed(_)));
    }
}
