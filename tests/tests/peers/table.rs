//! The table of record in docs/peers.md: what was run has to be what it says. `BLESS=1` writes it anew, and refuses
//! to write down a failure.

use crate::documents::{Document, Reader};
use crate::market::{Goods, Scheme, Who};
use crate::process::root;
use anyhow::Result;

const BEGIN: &str = "<!-- what the test ran -->\n";
const END: &str = "<!-- end of what the test ran -->\n";

/// Cells that can't be run, with the reason: buyer, seller, facilitator, scheme.
const CANNOT: [([&str; 4], &str); 7] = [
    (["bankofai-x402, @bankofai/x402", "any", "any", "exact/permit2"], "neither package signs it"),
    (["any", "bankofai-x402", "any", "exact/permit2"], "the package does not sell by it"),
    (["any", "any", "bankofai-x402", "exact/permit2"], "the package does not settle it"),
    (["any", "@x402/core", "any", "exact_permit"], "the package asks no facilitator for its fee"),
    (["any", "@bankofai/x402", "any", "any"], "the package buys only"),
    (["any", "any", "@bankofai/x402, @x402/core, x402", "any"], "no settling for TRON is published in them"),
    (["@x402/core, x402", "any", "any", "any"], "no signing for TRON is published in them"),
];

pub struct Row {
    cells: [String; 4],
    result: Result<()>,
    /// What the cell says if it went well.
    paid: &'static str,
}

impl Row {
    pub fn new(buyer: Who, seller: Who, goods: Goods, result: Result<()>) -> Self {
        let cells = [
            name(buyer, "our wallet"),
            name(seller, "our paywall"),
            name(goods.facilitator, "our facilitator"),
            goods.scheme.title().to_owned(),
        ];
        // Two of the package's signers fail at this; see the page.
        let helped = goods.scheme == Scheme::Eip3009 && (buyer == Who::Py || goods.facilitator == Who::Py);
        Self { cells, result, paid: if helped { "paid, with another signer" } else { "paid" } }
    }

    pub fn failed(&self) -> bool {
        self.result.is_err()
    }
}

fn name(who: Who, ours: &str) -> String {
    match who {
        Who::Ours => format!("**{ours}**"),
        Who::Py => format!("bankofai-x402 {}", pinned("bankofai-py/requirements.txt", "bankofai-x402==")),
        Who::Core => reader(Reader::Core),
        Who::Js => format!("@bankofai/x402 {}", pinned("bankofai-js/package.json", "\"@bankofai/x402\": \"")),
    }
}

fn reader(reader: Reader) -> String {
    match reader {
        Reader::Core => format!("@x402/core {}", pinned("x402-core/package.json", "\"@x402/core\": \"")),
        Reader::X402 => format!("x402 {}", pinned("bankofai-py/requirements.txt", "\nx402==")),
        Reader::Bankofai => name(Who::Py, ""),
    }
}

/// The version behind this word in a file that pins packages.
fn pinned(file: &str, word: &str) -> String {
    let text = std::fs::read_to_string(root().join("tests/peers").join(file)).unwrap();
    let at = text.split_once(word).unwrap_or_else(|| panic!("{file} pins {word}")).1;
    at.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect()
}

fn line(cells: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    cells.into_iter().fold("|".to_owned(), |line, cell| line + " " + cell.as_ref() + " |") + "\n"
}

/// One document and what each reader made of it.
pub type Passed = (Document, Vec<Result<Option<&'static str>>>);

/// Prints what was run and compares it with the page.
pub fn compare(rows: &[Row], documents: &[Passed]) {
    let mut failed = Vec::new();
    let mut ran = line(["buys", "sells", "settles", "scheme", "result"]) + "|---|---|---|---|---|\n";
    for row in rows {
        let result = if row.failed() { "failed" } else { row.paid };
        ran += &line(row.cells.iter().map(String::as_str).chain([result]));
        failed.extend(row.result.as_ref().err().map(|error| format!("{:?}: {error:#}", row.cells)));
    }
    for (cells, reason) in CANNOT {
        ran += &line(cells.into_iter().chain([&*format!("– {reason}")]));
    }
    let readers = Reader::ALL.map(reader);
    ran += "\n";
    ran += &line(["document", "version", "about"].into_iter().chain(readers.iter().map(String::as_str)));
    ran += "|---|---|---|---|---|---|\n";
    for (document, results) in documents {
        let about = format!("{} {}, {}", document.kind.title(), document.version, document.about);
        let cell = |result: &Result<Option<&str>>| match result {
            Ok(None) => "read".to_owned(),
            Ok(Some(reason)) => format!("– {reason}"),
            Err(_) => "failed".to_owned(),
        };
        let of_document = [document.kind.title().to_owned(), document.version.to_string(), document.about.to_owned()];
        ran += &line(of_document.into_iter().chain(results.iter().map(cell)));
        failed.extend(results.iter().filter_map(|r| r.as_ref().err()).map(|error| format!("{about}: {error:#}")));
    }
    println!("{ran}");
    assert!(failed.is_empty(), "{} failed:\n{}", failed.len(), failed.join("\n"));
    let path = root().join("docs/peers.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (head, rest) = page.split_once(BEGIN).unwrap();
    let (told, tail) = rest.split_once(END).unwrap();
    if told != ran && std::env::var_os("BLESS").is_some() {
        std::fs::write(path, format!("{head}{BEGIN}{ran}{END}{tail}")).unwrap();
        return;
    }
    assert_eq!(told, ran, "docs/peers.md tells something else than what was run; BLESS=1 writes it anew");
}
