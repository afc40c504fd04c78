//! What is wrong with a message, as three facts. Never repeats more than a short, visible part of what
//! was found.

use names::is_invisible;

/// One field that is not what it has to be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: expected {expected}, found {found}")]
pub struct Malformed {
    /// Where, as a path: `accepts[0].amount`, `document`, `header`.
    pub field: String,
    /// What stood there, at most about 80 characters, control characters made visible.
    pub found: String,
    pub expected: String,
}

impl Malformed {
    pub fn new(field: impl Into<String>, found: &str, expected: impl Into<String>) -> Self {
        Self { field: field.into(), found: shown(found), expected: expected.into() }
    }

    pub(crate) fn absent(field: impl Into<String>, expected: impl Into<String>) -> Self {
        Self::new(field, "nothing", expected)
    }
}

/// How many characters of a foreign text an error repeats.
const SHOWN: usize = 80;

/// A foreign text as it may stand in an error: shortened, every invisible or reordering character as an escape.
pub fn shown(text: &str) -> String {
    shown_up_to(text, SHOWN)
}

pub(crate) fn shown_up_to(text: &str, most: usize) -> String {
    let mut out = String::new();
    let mut count = 0;
    for c in text.chars() {
        if count >= most {
            out.push('…');
            break;
        }
        if is_invisible(c) {
            let escape = c.escape_default().to_string();
            count += escape.len();
            out.push_str(&escape);
        } else {
            count += 1;
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_is_shortened_and_made_visible() {
        assert_eq!(shown("plain ü 漢"), "plain ü 漢");
        assert_eq!(shown("a\u{202e}b\n\0"), "a\\u{202e}b\\n\\u{0}");
        // Unicode calls these default-ignorable: they take no room and say nothing.
        for hidden in ['\u{34f}', '\u{115f}', '\u{3164}', '\u{ffa0}', '\u{fff0}', '\u{1bca0}', '\u{1d173}', '\u{e0fff}']
        {
            assert_eq!(shown(&hidden.to_string()), hidden.escape_unicode().to_string());
        }
        let long = shown(&"x".repeat(500));
        assert_eq!(long.chars().count(), SHOWN + 1);
        assert!(shown(&"\u{200b}".repeat(500)).chars().count() < SHOWN + 10);
    }

    #[test]
    fn an_error_reads_as_one_sentence() {
        let error = Malformed::new("accepts[0].amount", "1.5", "digits");
        assert_eq!(error.to_string(), "accepts[0].amount: expected digits, found 1.5");
    }
}
