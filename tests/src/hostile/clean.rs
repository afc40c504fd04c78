//! What a text must not hold once it is shown to a person. Written against Unicode's own lists and not against
//! the products' tables, so that a gap there is seen here.

/// Control characters, what reorders its neighbours, and what Unicode calls default-ignorable
/// (`DerivedCoreProperties.txt`, 16.0): text that holds one of these doesn't say what it seems to say.
pub fn is_hidden(c: char) -> bool {
    let reorders = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let ignorable = matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}');
    c.is_control() || reorders || ignorable || matches!(c, '\u{2028}' | '\u{2029}')
}

/// Asserts that a text may be shown; `what` says which text it is.
pub fn clean(what: &str, text: &str) {
    let hidden = text.chars().find(|c| is_hidden(*c));
    assert!(hidden.is_none(), "{what} shows {:?}: {text:?}", hidden.unwrap_or_default());
}
