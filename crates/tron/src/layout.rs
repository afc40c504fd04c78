//! A list of words as people keep it: on one line or many, numbered or not, in any case, with any blanks and marks
//! between them. Everything is read, or the error says what stands in the way. Never repeats a word.

use crate::hd::WordsError;
use bip39::Language;
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

/// The longest word of the list has eight letters; this is far above every list.
const ROOM: usize = 4096;
/// A list has 24 words at most.
const MOST: u32 = 24;

enum Token {
    /// Where the word stands in the letters that were read.
    Word(usize, usize),
    Number(u32),
}

/// The words of a text in their order, in lower case, and nothing else of it.
struct Tokens {
    letters: Zeroizing<String>,
    found: Vec<Token>,
}

impl Tokens {
    fn read(text: &str) -> Self {
        // One allocation that is large enough: growing would leave copies behind.
        let mut letters = Zeroizing::new(String::with_capacity(text.len().max(ROOM) * 4));
        let mut found: Vec<Token> = Vec::new();
        let mut open = false;
        for c in text.nfkd().filter(|c| !invisible(*c)).flat_map(char::to_lowercase) {
            let digit = c.to_digit(10);
            match (found.last_mut(), digit) {
                (Some(Token::Number(number)), Some(digit)) if open => {
                    *number = number.saturating_mul(10).saturating_add(digit);
                }
                (_, Some(digit)) => found.push(Token::Number(digit)),
                (Some(Token::Word(_, end)), None) if open && c.is_alphabetic() => {
                    letters.push(c);
                    *end = letters.len();
                }
                (_, None) if c.is_alphabetic() => {
                    let start = letters.len();
                    letters.push(c);
                    found.push(Token::Word(start, letters.len()));
                }
                _ => {
                    open = false;
                    continue;
                }
            }
            open = true;
        }
        Self { letters, found }
    }

    fn words(&self) -> Vec<&str> {
        let word = |token: &Token| match token {
            Token::Word(start, end) => self.letters.get(*start..*end),
            Token::Number(_) => None,
        };
        self.found.iter().filter_map(word).collect()
    }

    fn numbers(&self) -> Vec<u32> {
        let number = |token: &Token| match token {
            Token::Number(number) => Some(*number),
            Token::Word(..) => None,
        };
        self.found.iter().filter_map(number).collect()
    }

    /// The words in the order of their numbers; numbers that don't fit are refused, because a guess at the order is
    /// another wallet.
    fn ordered(&self) -> Result<Vec<&str>, WordsError> {
        let (words, numbers) = (self.words(), self.numbers());
        // A wrong count is told as such, whatever is numbered.
        if numbers.is_empty() || !matches!(words.len(), 12 | 15 | 18 | 21 | 24) {
            return Ok(words);
        }
        let in_turn = self
            .found
            .windows(2)
            .all(|pair| matches!(pair, [Token::Word(..), Token::Number(_)] | [Token::Number(_), Token::Word(..)]));
        let mut sorted = numbers.clone();
        sorted.sort_unstable();
        if !in_turn || numbers.len() != words.len() || !sorted.iter().copied().eq(1..=words.len() as u32) {
            return Err(WordsError::Numbers { words: words.len(), numbers: numbers.len() });
        }
        // In turn and as many: each word's number stands before each, or behind each.
        let mut numbered: Vec<(u32, &str)> = numbers.into_iter().zip(words).collect();
        numbered.sort_by_key(|(number, _)| *number);
        Ok(numbered.into_iter().map(|(_, word)| word).collect())
    }
}

/// What no one sees: byte order marks, joiners, marks of direction, soft hyphens, variation selectors.
fn invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}')
}

/// The words of a text, in order, separated by single spaces.
pub(crate) fn words(text: &str) -> Result<Zeroizing<String>, WordsError> {
    let tokens = Tokens::read(text);
    let mut out = Zeroizing::new(String::with_capacity(tokens.letters.len() + tokens.found.len()));
    for (i, word) in tokens.ordered()?.into_iter().enumerate() {
        if i > 0 {
            out.push(' ');
        }
        out.push_str(word);
    }
    Ok(out)
}

/// What a line is to somebody who reads a list line by line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WordLine {
    /// Nothing visible.
    Blank,
    /// Words of the BIP-39 English list, perhaps numbered, and nothing else.
    Words(usize),
    /// The number of a word that stands on a line of its own.
    Number(u32),
    /// Anything else. How many words it has, and how many of them are in the list: a slip in a line of words, perhaps.
    Other { words: usize, listed: usize },
}

impl WordLine {
    /// Judges one line, without its end.
    pub fn of(line: &str) -> Self {
        let tokens = Tokens::read(line);
        let (words, numbers) = (tokens.words(), tokens.numbers());
        match (words.as_slice(), numbers.as_slice()) {
            ([], []) if line.chars().all(|c| c.is_whitespace() || invisible(c)) => Self::Blank,
            ([], [number]) if (1..=MOST).contains(number) => Self::Number(*number),
            (words, numbers) => {
                let listed = words.iter().filter(|word| Language::English.find_word(word).is_some()).count();
                let numbered = numbers.iter().all(|number| (1..=MOST).contains(number));
                match !words.is_empty() && listed == words.len() && numbered {
                    true => Self::Words(listed),
                    false => Self::Other { words: words.len(), listed },
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hd::Words;

    const LEGAL: &str = "legal winner thank year wave sausage worth useful legal winner thank yellow";

    fn read(text: &str) -> Result<String, WordsError> {
        Words::parse(text).map(|words| words.reveal().to_string())
    }

    fn lines(form: impl Fn(usize, &str) -> String) -> String {
        LEGAL.split(' ').enumerate().map(|(i, word)| form(i + 1, word)).collect()
    }

    #[test]
    fn however_words_are_laid_out_they_are_the_same_words() {
        let half = LEGAL.replacen(" sausage", "\nsausage", 1);
        for text in [
            LEGAL.to_owned(),
            format!("\u{feff}{LEGAL}\r\n"),
            LEGAL.to_uppercase(),
            half,
            LEGAL.replace(' ', "\u{a0}"),
            LEGAL.replace(' ', "\u{3000}"),
            LEGAL.replace(' ', ", "),
            LEGAL.replace(' ', "\",\""),
            format!("[\"{}\"]", LEGAL.replace(' ', "\", \"")),
            LEGAL.replace("legal", "le\u{200b}gal"),
            "ｌｅｇａｌ".to_owned() + &LEGAL[5..],
            lines(|_, word| format!("{word}\n")),
            lines(|n, word| format!("{n}. {word}\n")),
            lines(|n, word| format!("{n:02}) {word}\t")),
            lines(|n, word| format!("#{n} {word} | ")),
            lines(|n, word| format!("{n}\n{word}\n\n")),
            lines(|n, word| format!("{word} ({n})\r\n")),
            lines(|n, word| format!("{n}{word} ")),
        ] {
            assert_eq!(read(&text).as_deref(), Ok(LEGAL), "{text:?}");
        }
    }

    #[test]
    fn numbers_decide_the_order_where_a_list_has_columns() {
        let words: Vec<&str> = LEGAL.split(' ').collect();
        let columns: String =
            (0..6).map(|i| format!("{}. {}   {}. {}\n", i + 1, words[i], i + 7, words[i + 6])).collect();
        assert_eq!(read(&columns).as_deref(), Ok(LEGAL));
    }

    #[test]
    fn numbers_that_do_not_fit_are_refused() {
        let twice = lines(|n, word| format!("{}. {word} ", n.min(11)));
        assert_eq!(read(&twice), Err(WordsError::Numbers { words: 12, numbers: 12 }));
        let some = lines(|n, word| if n < 4 { format!("{n}. {word} ") } else { format!("{word} ") });
        assert_eq!(read(&some), Err(WordsError::Numbers { words: 12, numbers: 3 }));
        let off = lines(|n, word| format!("{}. {word} ", n + 1));
        assert_eq!(read(&off), Err(WordsError::Numbers { words: 12, numbers: 12 }));
    }

    #[test]
    fn a_line_is_told_for_what_it_is() {
        for (line, what) in [
            ("", WordLine::Blank),
            (" \u{feff}\t\r", WordLine::Blank),
            ("legal winner", WordLine::Words(2)),
            ("1. Legal  2. WINNER", WordLine::Words(2)),
            ("7.", WordLine::Number(7)),
            ("25", WordLine::Other { words: 0, listed: 0 }),
            ("12345678", WordLine::Other { words: 0, listed: 0 }),
            ("----", WordLine::Other { words: 0, listed: 0 }),
            ("legal winnner", WordLine::Other { words: 2, listed: 1 }),
            ("my passphrase 1", WordLine::Other { words: 2, listed: 0 }),
        ] {
            assert_eq!(WordLine::of(line), what, "{line:?}");
        }
    }
}
