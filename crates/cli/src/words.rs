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
    /// Lines that were read ahead; the first is the passphrase.
    pub rest: Vec<Line>,
    /// More than one line was read as words, and the words are not right: the last could have been the passphrase.
    pub doubtful: bool,
}

/// Reads lines until the words are over: at an empty line behind a complete list, at a line of anything else, or at
/// the end of the input. `next` gives the next line, `None` at the end; `passphrase_follows` says whether a passphrase
/// comes from the same input.
pub fn read(mut next: impl FnMut() -> Option<Line>, passphrase_follows: bool) -> Typed {
    let mut lines: Vec<Line> = Vec::new();
    let mut rest = Vec::new();
    // How many words the line before had.
    let mut width = 0;
    while let Some(line) = next() {
        match WordLine::of(&line) {
            WordLine::Blank if right(&lines) => break,
            WordLine::Blank => {}
            WordLine::Words(count) => {
                width = count;
                lines.push(line);
            }
            WordLine::Number(_) => lines.push(line),
            // A slip in a line of words: it is told with the words, and is nobody's passphrase.
            WordLine::Other { words, listed } if slip(words, listed, width) => lines.push(line),
            WordLine::Other { .. } => {
                rest.push(line);
                // A word a line, and a slip in one of them: more words behind it tell.
                if lines.len() >= NARROW {
                    rest.extend(next());
                    if rest
                        .get(1)
                        .is_some_and(|next| matches!(WordLine::of(next), WordLine::Words(_) | WordLine::Number(_)))
                    {
                        lines.append(&mut rest);
                        continue;
                    }
                }
                break;
            }
        }
    }
    if right(&lines) {
        // Whatever stands behind a complete list is for the next reader, who says what is wrong with it.
        return Typed { words: joined(&lines), rest, doubtful: false };
    }
    let phrase = lines.last().is_some_and(|last| matches!(WordLine::of(last), WordLine::Words(1..=PHRASE)));
    if passphrase_follows && rest.is_empty() && phrase && right(&lines[..lines.len() - 1]) {
        let rest = lines.pop().into_iter().collect();
        return Typed { words: joined(&lines), rest, doubtful: false };
    }
    let doubtful = passphrase_follows && lines.len() > 1;
    // Without any line of words it is a line of words with a slip in it.
    if !passphrase_follows || lines.is_empty() {
        lines.append(&mut rest);
    }
    Typed { words: joined(&lines), rest: vec![], doubtful }
}

/// So many lines hold a word or two each.
const NARROW: usize = 6;

/// Whether a line that is not of list words alone is one all the same: long and half of the list, or as the line before it.
fn slip(words: usize, listed: usize, width: usize) -> bool {
    2 * listed >= words && (words > PHRASE || (words > 1 && words == width))
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
        (count, Words::parse(&typed.words).is_ok(), typed.rest.first().map(|line| line.to_string()))
    }

    fn in_fours() -> String {
        let words: Vec<&str> = TWELVE.split(' ').collect();
        words.chunks(4).map(|four| four.join(" ")).collect::<Vec<_>>().join("\n")
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
            // A slip in the second half makes no passphrase of it.
            (format!("{TWELVE}\n{}\ncase passphrase\n", REST.replace("before", "befroe")), (24, false, None)),
            (format!("{}\nzoo zoo zoo befroe\nzoo zoo zoo zoo\n", in_fours()), (20, false, None)),
            (format!("{one_a_line}\nabandonn\nzoo\nzoo\ncase passphrase"), (15, false, None)),
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
