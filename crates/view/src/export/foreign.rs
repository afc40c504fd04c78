//! Text from sites, apps and the person, as it may stand in a file that other programs read: text stays text there,
//! never a formula, a tag, a date or a line of its own. JSON needs none of this.

/// A cell that no spreadsheet takes for a formula, whatever separates its columns: an apostrophe stands in front of each
/// sign that would begin one, at the start of the cell and behind anything that may end another. Marks of direction and
/// other invisible characters are spelled out.
pub fn cell(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at_start = true;
    for c in text.chars() {
        if at_start && matches!(c, '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠' | '−') {
            out.push('\'');
        }
        at_start = match c {
            // What may separate cells or lines, and what may quote one.
            ',' | ';' | '|' | '"' | '\'' | '，' | '；' => true,
            c => {
                (c.is_whitespace() || c.is_control() || x402::is_invisible(c))
                    && (at_start
                        || matches!(c, '\t' | '\r' | '\n' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}'))
            }
        };
        put(&mut out, c);
    }
    out
}

/// One line of a journal's comment or description: no line break, no semicolon where a comment would begin, and neither a
/// tag ("name:") nor a date in brackets.
pub fn comment(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            ';' | '|' => out.push(' '),
            // A tag's name stands right before its colon.
            ':' => out.push_str(" :"),
            '[' => out.push('('),
            ']' => out.push(')'),
            c if c.is_control() || c.is_whitespace() => out.push(' '),
            c => put(&mut out, c),
        }
    }
    out
}

fn put(out: &mut String, c: char) {
    match x402::is_invisible(c) && !matches!(c, '\t' | '\r' | '\n') {
        true => out.push_str(&format!("⟨U+{:04X}⟩", c as u32)),
        false => out.push(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula_whatever_separates_them() {
        for (text, written) in [
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(1,1)", "'@SUM(1,1)"),
            (" =1", " '=1"),
            ("\u{a0}\t=1", "\u{a0}\t'=1"),
            ("\u{200b}=1", "⟨U+200B⟩'=1"),
            ("\u{202e}-1", "⟨U+202E⟩'-1"),
            ("ok;=1+1", "ok;'=1+1"),
            ("ok; -1", "ok; '-1"),
            ("ok\t=1", "ok\t'=1"),
            ("a,@b", "a,'@b"),
            ("a|+b", "a|'+b"),
            ("one\n=1", "one\n'=1"),
            ("\"=1\"", "\"'=1\""),
            ("＝1", "'＝1"),
            ("−1", "'−1"),
            // Nothing to tame.
            ("1-1 = 0", "1-1 = 0"),
            ("a@b.example", "a@b.example"),
            ("中文说明，茶与咖啡", "中文说明，茶与咖啡"),
            ("🧾 Müller & Søn", "🧾 Müller & Søn"),
            ("00123", "00123"),
        ] {
            assert_eq!(cell(text), written, "{text:?}");
        }
    }

    #[test]
    fn a_comment_is_text_and_never_a_tag_or_a_date() {
        for (text, written) in [
            ("date:2020-01-01", "date :2020-01-01"),
            ("[2020-01-01=2021-01-01]", "(2020-01-01=2021-01-01)"),
            ("paid; tag:x, y:z", "paid  tag :x, y :z"),
            ("two\nlines", "two lines"),
            ("\u{2066}x", "⟨U+2066⟩x"),
            ("plain words", "plain words"),
        ] {
            assert_eq!(comment(text), written, "{text:?}");
        }
    }
}
