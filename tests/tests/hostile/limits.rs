//! The worst document that each limit lets through, against an honest one: reading takes as long as the text is,
//! and what is over a limit takes nothing. Relative only; how fast this machine is doesn't matter.

use std::time::{Duration, Instant};
use stories::cases;
use tron::TypedDocument;
use x402::limits::{ACCEPTS, BODY_BYTES, DEPTH, HEADER_BYTES};
use x402::{Offer, header};

/// Per byte, a document made to be slow may take so many times as long as an honest one. Seen: below 7, the
/// most at the deepest nesting, where every level is looked at again.
const SLOWER: u32 = 25;

fn stored(name: &str) -> String {
    let case = cases::all().into_iter().find(|case| case.name == name).unwrap();
    String::from_utf8(case.bytes).unwrap()
}

/// The shortest of several runs: what else the machine does only adds.
fn time(reads: bool, text: &str, read: impl Fn(&str) -> bool) -> Duration {
    let once = || {
        let start = Instant::now();
        assert_eq!(read(text), reads, "{:.80}", text);
        start.elapsed()
    };
    (0..9).map(|_| once()).min().unwrap()
}

/// The document with more members, filled up to `most` bytes with `piece` in `before` and `after`.
fn filled(document: &str, most: usize, before: &str, piece: &str, after: &str) -> String {
    let head = format!("{},\"x\":{before}", &document[..document.len() - 1]);
    let tail = format!("0{after}}}");
    let times = (most - head.len() - tail.len()) / piece.len();
    format!("{head}{}{tail}", piece.repeat(times))
}

fn nested(levels: usize) -> (String, String) {
    ("{\"a\":".repeat(levels), "}".repeat(levels))
}

fn reads(text: &str) -> bool {
    Offer::read(text).is_ok()
}

#[test]
fn the_worst_document_of_each_limit_takes_as_long_as_it_is_long() {
    let honest = stored("honest exact_permit as body");
    let option = serde_json::from_str::<serde_json::Value>(&honest).unwrap()["accepts"][0].to_string();
    let large = filled(&option, BODY_BYTES / ACCEPTS - 64, "[", "0,", "]");
    let (open, close) = nested(DEPTH - 2);
    let (small_open, small_close) = nested(DEPTH - 3);
    let in_header = filled(&honest, HEADER_BYTES / 4 * 3 - 3, "[", "0,", "]");
    let worst = [
        ("a whole header", header::write(&in_header)),
        ("a whole body of numbers", filled(&honest, BODY_BYTES, "[", "0,", "]")),
        ("a whole body of objects", filled(&honest, BODY_BYTES, "[", "{},", "]")),
        ("a whole body of members", filled(&honest, BODY_BYTES, "[", "{\"a\":1,\"b\":1,\"c\":1},", "]")),
        ("a whole body of escapes", filled(&honest, BODY_BYTES, "\"", "\\u0000", "\"")),
        (
            "all of it at the deepest level",
            filled(&honest, BODY_BYTES, &format!("{open}["), "0,", &format!("]{close}")),
        ),
        (
            "the deepest level again and again",
            filled(&honest, BODY_BYTES, "[", &format!("{small_open}0{small_close},"), "]"),
        ),
        ("as many options as there may be", honest.replace(&option, &vec![&*option; ACCEPTS].join(","))),
        ("as many and as large as there may be", honest.replace(&option, &vec![&*large; ACCEPTS].join(","))),
    ];
    let honest_time = time(true, &honest, reads);
    let mut seen = 0;
    for (name, text) in &worst {
        let size = if text.starts_with('{') { BODY_BYTES } else { HEADER_BYTES };
        assert!(
            text.len() <= size && (text.len() > size * 9 / 10 || name.starts_with("as many options")),
            "{name}: {}",
            text.len()
        );
        let length = u32::try_from(text.len() / honest.len()).unwrap() + 1;
        let took = time(true, text, reads);
        assert!(took <= honest_time * length * SLOWER, "{name}: {took:?} for {length} times {honest_time:?}");
        seen += 1;
    }
    assert_eq!(seen, 9);
}

#[test]
fn what_is_over_a_limit_is_refused_before_the_work() {
    let honest = stored("honest exact_permit as body");
    let honest_time = time(true, &honest, reads);
    let option = serde_json::from_str::<serde_json::Value>(&honest).unwrap()["accepts"][0].to_string();
    let (open, close) = nested(DEPTH - 1);
    let over = [
        ("a header", "A".repeat(HEADER_BYTES + 4), 1),
        ("a header of 16 MB", "A".repeat(16 << 20), 1),
        ("a body", filled(&honest, BODY_BYTES + 8, "[", "0,", "]"), 1),
        ("a body of 16 MB", filled(&honest, 16 << 20, "[", "0,", "]"), 1),
        ("a level too deep", filled(&honest, 2 * honest.len(), &format!("{open}["), "0,", &format!("]{close}")), 10),
        ("30,000 levels too deep", "[".repeat(30_000), 100),
        ("an option too many", honest.replace(&option, &vec![&*option; ACCEPTS + 1].join(",")), 100),
    ];
    for (name, text, times) in over {
        let took = time(false, &text, reads);
        assert!(took <= honest_time * times, "{name}: {took:?}, an honest one {honest_time:?}");
    }
}

#[test]
fn a_typed_document_takes_as_long_as_it_is_long() {
    let parses = |text: &str| TypedDocument::parse(text).is_ok();
    let (honest, long) = (stored("typed honest"), stored("typed 10,000 numbers"));
    let honest_time = time(true, &honest, parses);
    let length = u32::try_from(long.len() / honest.len()).unwrap() + 1;
    let took = time(true, &long, parses);
    assert!(took <= honest_time * length * SLOWER, "{took:?} for {length} times {honest_time:?}");
    let huge = " ".repeat(16 << 20);
    assert!(time(false, &huge, parses) <= honest_time, "16 MB of blanks");
}
