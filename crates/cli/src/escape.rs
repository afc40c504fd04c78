//! What of a text may reach a terminal. Content of others is shown with every control and every invisible character as
//! a sign; our own output keeps its colours and nothing else; JSON stays the same document in harmless letters. Files
//! and pipes get bytes as they are: that is decided by whoever calls.

use std::borrow::Cow;
use std::fmt::Write;
use x402::is_invisible;

/// A character as a sign that moves no cursor.
fn sign(out: &mut String, c: char) {
    match u32::from(c) {
        low @ 0..0x20 => out.extend(char::from_u32(0x2400 + low)),
        0x7f => out.push('\u{2421}'),
        other => {
            // Writing to a String can't fail.
            let _ = write!(out, "⟨U+{other:04X}⟩");
        }
    }
}

/// Whether a terminal would do something else with it than show it.
fn acts(c: char) -> bool {
    c.is_control() || is_invisible(c)
}

/// Our own output as it may be printed: colours and line breaks are ours, whatever else acts came from somebody else.
pub fn ours(text: &str) -> Cow<'_, str> {
    if !text.chars().any(|c| acts(c) && c != '\n') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let colour = colour(rest);
        if colour > 0 {
            let (sequence, behind) = rest.split_at(colour);
            out.push_str(sequence);
            rest = behind;
            continue;
        }
        match c {
            '\n' | '\t' => out.push(c),
            c if acts(c) => sign(&mut out, c),
            c => out.push(c),
        }
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
    }
    Cow::Owned(out)
}

/// The length of the colour sequence at the start: `ESC [ digits ; … m`.
fn colour(text: &str) -> usize {
    let Some(inside) = text.strip_prefix("\u{1b}[") else { return 0 };
    let length = inside.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b';').count();
    if inside.as_bytes().get(length) == Some(&b'm') { length + 3 } else { 0 }
}

/// A JSON text in letters that do nothing to a terminal; whoever reads it gets the same document.
pub fn json(text: &str) -> Cow<'_, str> {
    // Line breaks between the members are not inside of strings.
    if !text.chars().any(|c| acts(c) && c != '\n') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if acts(c) && c != '\n' {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// Whether the beginning of a content is text: UTF-8 without NUL. It may be cut off inside a character.
pub fn is_text(head: &[u8]) -> bool {
    let utf8 = match std::str::from_utf8(head) {
        Ok(_) => true,
        Err(e) => e.error_len().is_none(),
    };
    utf8 && !head.contains(&0)
}

/// Content of somebody else on its way to a terminal, in pieces as they come.
#[derive(Default)]
pub struct Foreign {
    /// The begin of a character, or of a line's end, that the next piece goes on with.
    open: Vec<u8>,
    /// Whether the last line is at its end.
    ended: bool,
}

impl Foreign {
    /// The piece as it may be shown.
    pub fn shown(&mut self, piece: &[u8]) -> String {
        let mut bytes = std::mem::take(&mut self.open);
        bytes.extend_from_slice(piece);
        let mut out = String::with_capacity(bytes.len());
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let (text, behind) = match std::str::from_utf8(rest) {
                Ok(text) => (text, &[][..]),
                Err(e) => {
                    let (text, behind) = rest.split_at(e.valid_up_to());
                    (std::str::from_utf8(text).unwrap_or_default(), behind)
                }
            };
            let mut letters = text.chars().peekable();
            while let Some(c) = letters.next() {
                match c {
                    '\n' | '\t' => out.push(c),
                    // The end of a line, as the web writes it; alone it would write over the line.
                    '\r' if letters.peek() == Some(&'\n') => {}
                    '\r' if letters.peek().is_none() && behind.is_empty() => self.open.push(b'\r'),
                    c if acts(c) => sign(&mut out, c),
                    c => out.push(c),
                }
            }
            let Some(first) = behind.first() else { break };
            if std::str::from_utf8(behind).is_err_and(|e| e.error_len().is_none()) {
                self.open.extend_from_slice(behind);
                break;
            }
            let _ = write!(out, "⟨{first:02X}⟩");
            rest = behind.get(1..).unwrap_or_default();
        }
        if let Some(last) = out.chars().next_back() {
            self.ended = last == '\n';
        }
        out
    }

    /// What is left, and the end of the line: what follows is not the content's.
    pub fn end(&mut self) -> String {
        let mut out = String::new();
        for byte in std::mem::take(&mut self.open) {
            match byte {
                b'\r' => sign(&mut out, '\r'),
                byte => {
                    let _ = write!(out, "⟨{byte:02X}⟩");
                }
            }
        }
        if !(self.ended && out.is_empty()) {
            out.push('\n');
        }
        self.ended = true;
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn foreign(pieces: &[&[u8]]) -> String {
        let mut foreign = Foreign::default();
        let mut out: String = pieces.iter().map(|piece| foreign.shown(piece)).collect();
        out.push_str(&foreign.end());
        out
    }

    #[test]
    fn what_acts_is_shown_as_a_sign_and_letters_stay() {
        for (bytes, shown) in [
            (&b"plain\ttext\r\nsecond\n"[..], "plain\ttext\nsecond\n"),
            (b"\x1b]52;c;VEV\x07", "␛]52;c;VEV␇\n"),
            (b"a\rb\x08\x7f\x00", "a␍b␈␡␀\n"),
            ("\u{9b}2J\u{202e}gnp\u{200b}".as_bytes(), "⟨U+009B⟩2J⟨U+202E⟩gnp⟨U+200B⟩\n"),
            (b"\x9b2J\xff", "⟨9B⟩2J⟨FF⟩\n"),
            ("价格 5 USD₮0 für Ärger".as_bytes(), "价格 5 USD₮0 für Ärger\n"),
            (b"ends here\r", "ends here␍\n"),
            (b"", "\n"),
        ] {
            assert_eq!(foreign(&[bytes]), shown, "{bytes:?}");
            // However it comes.
            let single: Vec<&[u8]> = bytes.chunks(1).collect();
            assert_eq!(foreign(&single), shown, "{bytes:?} byte by byte");
        }
    }

    #[test]
    fn our_own_output_keeps_its_colours_alone() {
        let plain = "Pay 0.05 USDT? [yes/no] \n";
        assert!(matches!(ours(plain), Cow::Borrowed(_)));
        assert_eq!(ours("\u{1b}[1m\u{1b}[31merror:\u{1b}[0m x\n"), "\u{1b}[1m\u{1b}[31merror:\u{1b}[0m x\n");
        assert_eq!(ours("\u{1b}[2J\u{1b}]52;c;x\u{7}\r\u{9b}m"), "␛[2J␛]52;c;x␇␍⟨U+009B⟩m");
    }

    #[test]
    fn json_stays_the_same_document() {
        let value = serde_json::json!({ "a": "\u{9b}2J\u{7f}\u{202e}\u{e0041} é 价", "b": [1, "\u{1b}"] });
        let text = serde_json::to_string_pretty(&value).unwrap();
        let safe = json(&text);
        assert!(!safe.chars().any(|c| acts(c) && c != '\n') && safe.contains("é 价"), "{safe}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&safe).unwrap(), value);
    }

    #[test]
    fn text_is_told_from_what_is_none() {
        assert!(is_text(b"") && is_text(b"a\x1b[2J") && is_text(&"price in \u{20ac}".as_bytes()[..11]));
        assert!(!is_text(b"\x89PNG\r\n\x1a\n\0") && !is_text(b"\x1f\x8b\x08") && !is_text(b"caf\xe9 "));
    }
}
