//! Takes out of a text what looks like a secret: tokens, keys, passphrases, secret words, signatures, whole payment
//! headers, and the parts of a URL that carry them. A second line of defence: our own rooms log no secrets in the
//! first place. Keeps transaction ids where they are named as such, so that a log stays useful.

use regex::{Captures, Regex};
use std::borrow::Cow;
use std::io::{self, Write};
use std::sync::LazyLock;
use tracing_subscriber::fmt::MakeWriter;
use url::Url;

/// Fewer words in a row are a sentence; BIP-39 has no shorter secret.
const WORDS: usize = 12;
const GONE: &str = "…";

#[allow(clippy::expect_used, reason = "the patterns are constants, and a test runs every one")]
fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a pattern of ours")
}

static BEARER: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}"));
static NAMED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)\b([a-z0-9_-]*(?:api[_-]?key|passphrase|password|passwd|mnemonic|secret|private[_-]?key|token[_-]?hash|authorization)|token)("?\s*[:=]\s*"?)[^\s",;&}]+"#,
    )
});
static URL: LazyLock<Regex> = LazyLock::new(|| pattern(r#"\b(?:https?|socks5h?|socks4a?)://[^\s"'<>`]+"#));
static HEX: LazyLock<Regex> = LazyLock::new(|| pattern(r"\b(?:0x)?[0-9a-fA-F]{64,}\b"));
static LONG: LazyLock<Regex> = LazyLock::new(|| pattern(r"[A-Za-z0-9+/_-]{100,}={0,2}"));
static PROSE: LazyLock<Regex> = LazyLock::new(|| pattern(r"\b[a-z]{3,8}(?:[\s,]+[a-z]{3,8}\b){11,}"));
static COLOUR: LazyLock<Regex> = LazyLock::new(|| pattern(r"^\x1b\[[0-9;]*m"));
static WORD: LazyLock<Regex> = LazyLock::new(|| pattern(r"[a-z]+"));

/// The text without what looks like a secret. Never longer than a few characters beyond the original.
pub fn scrub(text: &str) -> Cow<'_, str> {
    let mut text = Cow::Borrowed(text);
    let steps: [fn(&str) -> Cow<'_, str>; 6] = [urls, bearer, named, hex, long, words];
    for step in steps {
        if let Cow::Owned(scrubbed) = step(&text) {
            text = Cow::Owned(scrubbed);
        }
    }
    text
}

fn urls(text: &str) -> Cow<'_, str> {
    URL.replace_all(text, |found: &Captures<'_>| {
        let whole = &found[0];
        let Ok(mut url) = Url::parse(whole) else { return GONE.to_owned() };
        if !url.username().is_empty() || url.password().is_some() {
            let _ = (url.set_username(""), url.set_password(None));
        } else if url.query().is_none() && url.fragment().is_none() {
            // As it was written: parsing adds a slash here and there.
            return whole.to_owned();
        }
        let names: Option<Vec<String>> =
            url.query().map(|_| url.query_pairs().map(|(name, _)| format!("{name}={GONE}")).collect());
        url.set_query(None);
        url.set_fragment(None);
        match names {
            Some(names) => format!("{url}?{}", names.join("&")),
            None => url.to_string(),
        }
    })
}

fn bearer(text: &str) -> Cow<'_, str> {
    BEARER.replace_all(text, "$1 …")
}

fn named(text: &str) -> Cow<'_, str> {
    NAMED.replace_all(text, |found: &Captures<'_>| {
        // `Authorization: Bearer …` is done already, and its scheme is worth keeping.
        let whole = &found[0];
        match whole.to_ascii_lowercase().ends_with("bearer") || whole.to_ascii_lowercase().ends_with("basic") {
            true => whole.to_owned(),
            false => format!("{}{}{GONE}", &found[1], &found[2]),
        }
    })
}

/// Sixty-four digits could be a private key; those that are named as a transaction or digest are none.
fn hex(text: &str) -> Cow<'_, str> {
    const NAMES: [&str; 6] = ["transaction", "tx", "txid", "digest", "block", "payment"];
    HEX.replace_all(text, |found: &Captures<'_>| {
        let (whole, start) = (&found[0], found.get(0).map_or(0, |m| m.start()));
        let before = text[..start].trim_end_matches([' ', '=', ':', '"', '\'']);
        let named = NAMES.iter().any(|name| before.to_ascii_lowercase().ends_with(name));
        match named && whole.trim_start_matches("0x").len() == 64 {
            true => whole.to_owned(),
            false => format!("({} hex digits)", whole.trim_start_matches("0x").len()),
        }
    })
}

fn long(text: &str) -> Cow<'_, str> {
    LONG.replace_all(text, |found: &Captures<'_>| {
        let length = found[0].len();
        // Repeated letters carry nothing; a path that long is rare enough to lose.
        format!("({length} characters)")
    })
}

fn words(text: &str) -> Cow<'_, str> {
    PROSE.replace_all(text, |found: &Captures<'_>| {
        let whole = &found[0];
        let mut out = String::with_capacity(whole.len());
        let (mut kept, mut run) = (0, Vec::new());
        let listed = |word: &str| bip39::Language::English.find_word(word).is_some();
        let mut flush = |run: &mut Vec<(usize, usize)>, out: &mut String| {
            if let (true, Some(first), Some(last)) = (run.len() >= WORDS, run.first(), run.last()) {
                out.push_str(&whole[kept..first.0]);
                out.push_str(&format!("({} words)", run.len()));
                kept = last.1;
            }
            run.clear();
        };
        for word in WORD.find_iter(whole) {
            match listed(word.as_str()) {
                true => run.push((word.start(), word.end())),
                false => flush(&mut run, &mut out),
            }
        }
        flush(&mut run, &mut out);
        out.push_str(&whole[kept..]);
        out
    })
}

/// An event as a terminal may have it: one line with its colours, whatever others wrote into it. What would move the
/// cursor or turn the writing around is a sign, and a line that follows is indented, so that it passes for no event.
fn harmless(event: &str) -> String {
    let event = event.strip_suffix('\n').unwrap_or(event);
    let mut out = String::with_capacity(event.len() + 1);
    let mut rest = event;
    while let Some(c) = rest.chars().next() {
        if let Some(colour) = COLOUR.find(rest) {
            out.push_str(colour.as_str());
            rest = &rest[colour.end()..];
            continue;
        }
        match c {
            '\n' => out.push_str("\n    "),
            '\t' => out.push(c),
            c if c.is_control()
                || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}') =>
            {
                out.push_str(&format!("⟨U+{:04X}⟩", u32::from(c)));
            }
            c => out.push(c),
        }
        rest = &rest[c.len_utf8()..];
    }
    out.push('\n');
    out
}

/// Standard error, scrubbed like the files: terminals are copied into bug reports too.
#[derive(Clone, Copy)]
pub(crate) struct Stderr;

pub(crate) struct Screen(Vec<u8>);

impl<'a> MakeWriter<'a> for Stderr {
    type Writer = Screen;

    fn make_writer(&'a self) -> Screen {
        Screen(Vec::new())
    }
}

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // Where standard error is gone there is nobody to tell.
        let _ = io::stderr().write_all(harmless(&scrub(&String::from_utf8_lossy(&self.0))).as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_secret_goes_and_the_rest_stays() {
        let key = "4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318";
        let words = "abandon ability able about above absent absorb abstract absurd abuse access accident";
        for (text, expected) in [
            ("nothing odd here, 12 rows in 3 ms", "nothing odd here, 12 rows in 3 ms"),
            ("GET https://user:pw@a.example/p?q=1&api_key=2#f done", "GET https://a.example/p?q=…&api_key=… done"),
            ("node https://api.trongrid.io/wallet failed", "node https://api.trongrid.io/wallet failed"),
            ("proxy socks5://me:secret1@127.0.0.1:9 used", "proxy socks5://127.0.0.1:9 used"),
            ("Authorization: Bearer abcdefgh12345678", "Authorization: Bearer …"),
            ("api_key = \"abc-def\"", "api_key = \"…\""),
            ("tron-pro-api-key: 1234", "tron-pro-api-key: …"),
            ("passphrase=hunter2 next", "passphrase=… next"),
            (&format!("key {key} here"), "key (64 hex digits) here"),
            (&format!("settled transaction={key}"), &format!("settled transaction={key}")),
            (&format!("\"txid\":\"{key}\""), &format!("\"txid\":\"{key}\"")),
            (&format!("signature 0x{key}{key}1b"), "signature (130 hex digits)"),
            (&format!("header {}==", "eyJ4NDAy".repeat(30)), "header (242 characters)"),
            (&format!("words: {words}."), "words: (12 words)."),
            (&format!("{words} zoo. Prose"), "(13 words). Prose"),
        ] {
            assert_eq!(scrub(text), expected, "{text}");
        }
    }

    #[test]
    fn a_sentence_of_ours_is_no_secret() {
        let text = "the node said that this token would not move and that the wallet has to wait for another block";
        assert_eq!(scrub(text), text);
    }

    #[test]
    fn an_event_does_nothing_to_a_terminal_but_colour_itself() {
        assert_eq!(harmless("\u{1b}[2mINFO\u{1b}[0m all is well\n"), "\u{1b}[2mINFO\u{1b}[0m all is well\n");
        let said = "asked \u{1b}]52;c;x\u{7} \u{9b}2J \u{202e}x\rINFO paid\nINFO paid\n";
        let shown = "asked ⟨U+001B⟩]52;c;x⟨U+0007⟩ ⟨U+009B⟩2J ⟨U+202E⟩x⟨U+000D⟩INFO paid\n    INFO paid\n";
        assert_eq!(harmless(said), shown);
    }

    #[test]
    fn scrubbing_twice_changes_nothing_more() {
        let text = "https://a:b@c.example/?token=1 bearer aaaaaaaaaaaa passphrase: x";
        let once = scrub(text).into_owned();
        assert_eq!(scrub(&once), once);
    }
}
