//! Words as the search sees them: which pieces of a text are indexed, which pieces a query needs, and whether
//! a text really has what was looked for. Pure.
//!
//! A text is indexed by its runs of three characters; by single and double characters of scripts that are
//! written without spaces, where a word is often that short; and by the first one and two characters of every
//! word. So a word of a query is found anywhere in a text if it has three characters or is Chinese (Japanese,
//! Thai …), and at the beginning of words otherwise. Case never matters.

use tron::Address;

/// Looked for at most so many words of a query; the rest of a longer one is not needed to find anything.
const WORDS: usize = 16;
/// A text is indexed up to here, in characters: nobody finds a payment by the end of a very long query string.
const LONGEST: usize = 2_000;

/// So many pieces of a word are asked for.
const ENOUGH: usize = 3;

/// Marks the beginning of a word among the pieces.
const BEGINS: char = '\u{e100}';

/// Lower case, one kind of white space, not endless.
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len().min(LONGEST));
    for c in text.chars().take(LONGEST).flat_map(char::to_lowercase) {
        folded.push(if c.is_whitespace() || c.is_control() { ' ' } else { c });
    }
    folded
}

/// Scripts without spaces between words: Thai to Burmese, Khmer, and everything from the Chinese radicals on.
fn is_dense(c: char) -> bool {
    matches!(c, '\u{e00}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' | '\u{2e80}'..) && c.is_alphanumeric()
}

/// The tokenizer of the index parts at ASCII signs and spaces; signs of ours stand for them.
fn letter(c: char) -> u64 {
    match c {
        c if c.is_ascii_alphanumeric() || !c.is_ascii() => u64::from(u32::from(c)),
        c => 0xe000 + u64::from(u32::from(c)),
    }
}

/// Up to three characters in one number, which sorts and compares at once.
const fn piece(a: u64, b: u64, c: u64) -> u64 {
    (a << 42) | (b << 21) | c
}

fn spell(piece: u64, into: &mut String) {
    for shift in [42, 21, 0] {
        let code = u32::try_from((piece >> shift) & 0x1f_ffff).unwrap_or(0);
        if code != 0
            && let Some(c) = char::from_u32(code)
        {
            into.push(c);
        }
    }
}

fn pieces_of(line: &[char], pieces: &mut Vec<u64>) {
    for window in line.windows(3) {
        pieces.push(piece(letter(window[0]), letter(window[1]), letter(window[2])));
    }
    let begins = letter(BEGINS);
    for (at, c) in line.iter().enumerate() {
        let next = line.get(at + 1);
        if is_dense(*c) {
            pieces.push(piece(0, 0, letter(*c)));
        }
        if let Some(next) = next
            && (is_dense(*c) || is_dense(*next))
        {
            pieces.push(piece(0, letter(*c), letter(*next)));
        }
        if begins_word(line, at) {
            pieces.push(piece(0, begins, letter(*c)));
            if let Some(next) = next {
                pieces.push(piece(begins, letter(*c), letter(*next)));
            }
        }
    }
}

fn begins_word(line: &[char], at: usize) -> bool {
    line[at].is_alphanumeric() && (at == 0 || !line[at - 1].is_alphanumeric() || is_dense(line[at - 1]))
}

/// What the index gets for lines of (folded) text, and for addresses that stand on the row.
pub fn document(lines: &[String], addresses: &[Address]) -> String {
    let mut pieces = Vec::with_capacity(256);
    for line in lines {
        let line: Vec<char> = line.chars().collect();
        pieces_of(&line, &mut pieces);
    }
    pieces.sort_unstable();
    pieces.dedup();
    let mut text = String::with_capacity(pieces.len() * 5);
    for piece in pieces {
        spell(piece, &mut text);
        text.push(' ');
    }
    for address in addresses {
        text.push_str(&whole(address));
        text.push(' ');
    }
    text
}

/// An address as one piece, by its first eight bytes; the row is compared whole.
fn whole(address: &Address) -> String {
    use std::fmt::Write;
    let mut text = String::from("\u{e101}");
    for byte in address.bytes().iter().take(8) {
        // Writing into a text does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// What is looked for: words that all have to be found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    words: Vec<String>,
}

impl Wanted {
    /// `None` where the text has no word in it.
    pub fn read(text: &str) -> Option<Self> {
        let folded = fold(text);
        let words: Vec<String> = folded
            .split(' ')
            // Every site is behind one of these, and the index leaves them out.
            .map(|w| w.strip_prefix("https://").or_else(|| w.strip_prefix("http://")).unwrap_or(w))
            .filter(|w| !w.is_empty())
            .take(WORDS)
            .map(str::to_owned)
            .collect();
        (!words.is_empty()).then_some(Self { words })
    }

    /// Queries for the index, with how long their lists are: every row that has the words is in all of them.
    ///
    /// A list of rows costs its length, and the lists of one word have much the same rows: the shortest few of each word
    /// say enough. `length` tells how long the list of a piece is.
    pub fn terms<E>(&self, mut length: impl FnMut(&str) -> Result<i64, E>) -> Result<Vec<(i64, String)>, E> {
        let mut terms = Vec::new();
        for word in &self.words {
            let mut own = Vec::new();
            for piece in pieces_of_word(word) {
                let mut term = String::from("\"");
                spell(piece, &mut term);
                term.push('"');
                own.push((length(&term)?, term));
            }
            own.sort_unstable();
            terms.extend(own.into_iter().take(ENOUGH));
        }
        Ok(terms)
    }

    /// Whether the index can help.
    pub fn is_indexed(&self) -> bool {
        self.words.iter().any(|word| !pieces_of_word(word).is_empty())
    }

    /// Whether the (folded) lines have every word.
    pub fn is_in(&self, lines: &[String]) -> bool {
        self.words.iter().all(|word| lines.iter().any(|line| has(line, word)))
    }
}

/// The pieces that every text with this word has.
fn pieces_of_word(word: &str) -> Vec<u64> {
    let chars: Vec<char> = word.chars().collect();
    let mut pieces = match chars.as_slice() {
        [c] if is_dense(*c) => vec![piece(0, 0, letter(*c))],
        [a, b] if is_dense(*a) || is_dense(*b) => vec![piece(0, letter(*a), letter(*b))],
        // A sign or two lead nowhere; the row is compared.
        [c] | [c, _] if !c.is_alphanumeric() => vec![],
        [c] => vec![piece(0, letter(BEGINS), letter(*c))],
        [a, b] => vec![piece(letter(BEGINS), letter(*a), letter(*b))],
        longer => longer.windows(3).map(|w| piece(letter(w[0]), letter(w[1]), letter(w[2]))).collect(),
    };
    pieces.sort_unstable();
    pieces.dedup();
    pieces
}

/// The query for rows with this address.
pub fn query_address(address: &Address) -> String {
    format!("\"{}\"", whole(address))
}

fn has(line: &str, word: &str) -> bool {
    let mut chars = word.chars();
    let (first, second, third) = (chars.next(), chars.next(), chars.next());
    let part = third.is_some() || [first, second].into_iter().flatten().any(is_dense);
    if part || !first.is_some_and(char::is_alphanumeric) {
        return line.contains(word);
    }
    let chars: Vec<char> = line.chars().collect();
    let wanted: Vec<char> = word.chars().collect();
    (0..chars.len()).any(|at| begins_word(&chars, at) && chars[at..].starts_with(&wanted))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lines(text: &str) -> Vec<String> {
        vec![fold(text)]
    }

    /// Some pieces are rarer than others.
    fn all(term: &str) -> Result<i64, std::convert::Infallible> {
        Ok(term.bytes().map(i64::from).sum::<i64>() % 7)
    }

    fn finds(text: &str, query: &str) -> bool {
        Wanted::read(query).unwrap().is_in(&lines(text))
    }

    /// What the index would say, by the pieces alone.
    fn indexed(text: &str, query: &str) -> bool {
        let document = document(&lines(text), &[]);
        let have: std::collections::HashSet<&str> = document.split(' ').collect();
        Wanted::read(query).unwrap().terms(all).unwrap().iter().all(|(_, q)| have.contains(q.trim_matches('"')))
    }

    #[test]
    fn words_are_found_as_people_type_them() {
        let cases = [
            ("Wetterbericht für Köln", "KÖLN", true),
            ("Wetterbericht für Köln", "bericht", true),
            ("Wetterbericht für Köln", "köln wetter", true),
            ("Wetterbericht für Köln", "fü", true),
            ("Wetterbericht für Köln", "ür", false),
            ("Wetterbericht für Köln", "köln hamburg", false),
            ("每日新闻:上海天气", "天气", true),
            ("每日新闻:上海天气", "海", true),
            ("每日新闻:上海天气", "上海天气", true),
            ("每日新闻:上海天气", "北京", false),
            ("AI and TV, daily", "tv", true),
            ("AI and TV, daily", "ai", true),
            ("email", "ai", false),
            ("ニュース速報", "速", true),
            ("news.example/articles?id=7", "https://news.example/art", true),
            ("news.example/articles?id=7", "?id=7", true),
            ("100% of \"it\"", "100%", true),
            ("100% of \"it\"", "\"it\"", true),
        ];
        for (text, query, expected) in cases {
            assert_eq!(finds(text, query), expected, "{query} in {text}");
            assert!(indexed(text, query) || !expected, "the index misses {query} in {text}");
        }
    }

    #[test]
    fn nothing_is_looked_for_in_blanks() {
        assert_eq!(Wanted::read(" \t\n"), None);
        assert_eq!(Wanted::read("https://"), None);
    }

    proptest! {
        /// Whatever a row really has, the index leads to it.
        #[test]
        fn the_index_never_hides_a_row(text in "[a-cA-C茶水กä?%\"' .]{0,30}", query in "[a-c茶水กä?\"%]{1,4}") {
            prop_assert!(!finds(&text, &query) || indexed(&text, &query));
        }

        /// A piece of the text that is long enough is found.
        #[test]
        fn every_part_is_found(text in "\\PC{3,40}", from in 0usize..30) {
            let part: String = text.chars().skip(from).take(5).collect();
            prop_assume!(part.chars().count() >= 3 && !part.contains(char::is_whitespace));
            prop_assume!(Wanted::read(&part).is_some());
            prop_assert!(finds(&text, &part) && indexed(&text, &part), "{part:?} in {text:?}");
        }
    }
}
