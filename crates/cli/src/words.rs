//! Tells words from the passphrase behind them when both come as lines of one input. A list of words may take many
//! lines, and a passphrase may be made of words, too; what can't be told apart is refused, never guessed: half of a
//! list is another wallet, and the other half would be its passphrase.

use crate::console::Line;
use tron::{WordLine, Words};

/// A last line of more list words than this is rather the rest of the list than a passphrase.
const PHRASE: usize = 5;

/// What was read.
pub struct Typed {
    /// Everything that belongs to the words, as it came; empty where nothing did.
    pub words: Line,
    /// The line that was read ahead and is the passphrase.
    pub passphrase: Option<Line>,
    /// More than one line was read as words, and the words are not right: the last could have been the passphrase.
    pub doubtful: bool,
}

/// Reads lines until the words are over: at an empty line behind a complete list, at a line of anything else, or at
/// the end of the input. `next` gives the next line, `None` at the end; `passphrase_follows` says whether a passphrase
/// comes from the same input.
pub fn read(mut next: impl FnMut() -> Option<Line>, passphrase_follows: bool) -> Typed {
    let mut lines: Vec<Line> = Vec::new();
    let mut other = None;
    while let Some(line) = next() {
        match WordLine::of(&line) {
            WordLine::Blank if right(&lines) => break,
            WordLine::Blank => {}
            WordLine::Words(_) | WordLine::Number(_) => lines.push(line),
            WordLine::Other => {
                other = Some(line);
                break;
            }
        }
    }
    if right(&lines) {
        // Whatever stands behind a complete list is for the next reader, who says what is wrong with it.
        return Typed { words: joined(&lines), passphrase: other, doubtful: false };
    }
    let phrase = lines.last().is_some_and(|last| matches!(WordLine::of(last), WordLine::Words(1..=PHRASE)));
    if passphrase_follows && other.is_none() && phrase && right(&lines[..lines.len() - 1]) {
        let passphrase = lines.pop();
        return Typed { words: joined(&lines), passphrase, doubtful: false };
    }
    let doubtful = passphrase_follows && lines.len() > 1;
    // Without any line of words it is a line of words with a slip in it.
    lines.extend(other.filter(|_| !passphrase_follows || lines.is_empty()));
    Typed { words: joined(&lines), passphrase: None, doubtful }
}

fn right(lines: &[Line]) -> bool {
    Words::parse(&joined(lines)).is_ok()
}

fn joined(lines: &[Line]) -> Line {
    // One allocation that is large enough: growing would leave copies behind.
    let mut text = Line::new(String::with_capacity(lines.iter().map(|line| line.len() + 1).sum()));
    for line in lines {
        text.push_str(line);
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWELVE: &str =
        "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about";
    const REST: &str = "zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo before";

    /// How many words were read, whether they are right, and what is left as the passphrase.
    fn of(text: &str, passphrase_follows: bool) -> (usize, bool, Option<String>) {
        let mut lines = text.lines().map(|line| Line::new(line.to_owned()));
        let typed = read(|| lines.next(), passphrase_follows);
        let count = typed.words.split_whitespace().count();
        (count, Words::parse(&typed.words).is_ok(), typed.passphrase.map(|line| line.to_string()))
    }

    #[test]
    fn words_and_passphrase_are_told_apart_or_nothing_is_made() {
        let some = |text: &str| Some(text.to_owned());
        let one_a_line = TWELVE.replace(' ', "\n");
        for (text, read) in [
            (format!("{TWELVE}\ncase passphrase\n"), (12, true, some("case passphrase"))),
            (format!("{TWELVE}\n\ncase passphrase\n"), (12, true, None)),
            (format!("{TWELVE}\ncorrect horse battery\n"), (12, true, some("correct horse battery"))),
            (format!("{TWELVE}\nanother horse"), (12, true, some("another horse"))),
            (format!("{one_a_line}\ncase passphrase\n"), (12, true, some("case passphrase"))),
            (format!("{one_a_line}\n12345678\n"), (12, true, some("12345678"))),
            (TWELVE.to_owned(), (12, true, None)),
            // All of them, or none.
            (format!("{TWELVE}\n{REST}\ncase passphrase\n"), (24, true, some("case passphrase"))),
            (format!("{TWELVE}\n{REST}\n"), (24, true, None)),
            (format!("{TWELVE}\n{}\ncase passphrase\n", REST.replace("before", "zoo")), (24, false, None)),
            (format!("{TWELVE}\n{}\n", REST.replace("before", "zoo")), (24, false, None)),
            (format!("{TWELVE}\nzoo zoo zoo zoo zoo zoo\nzoo zoo zoo zoo\ncase passphrase"), (22, false, None)),
            (format!("{TWELVE}\nlegal horse winner\nanother horse"), (17, false, None)),
            (format!("{}\npassphrase of words", &TWELVE[8..]), (11, false, None)),
            (String::new(), (0, false, None)),
        ] {
            assert_eq!(of(&text, true), read, "{text:?}");
        }
    }

    #[test]
    fn an_input_of_words_alone_is_read_to_its_end() {
        assert_eq!(of(&format!("{TWELVE}\n{REST}\n"), false), (24, true, None));
        assert_eq!(of(&format!("{TWELVE}\nzoo zoo\n"), false), (14, false, None));
        assert_eq!(of("abandon abuot", false), (2, false, None));
        let mut lines = ["abandon", "ability", "abuot"].into_iter().map(|line| Line::new(line.to_owned()));
        let typed = read(|| lines.next(), false);
        assert_eq!(
            Words::parse(&typed.words).err().map(|e| e.to_string()),
            Some("expected 12, 15, 18, 21 or 24 words, found 3".into())
        );
    }
}
