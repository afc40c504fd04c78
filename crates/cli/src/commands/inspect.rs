//! `inspect`: anything x402, explained. Needs no wallet and starts no owner. A URL is fetched once and never paid; what
//! a document names is looked up on the nodes of the profile's configuration, unless `--offline` says not to.

use crate::args::{Global, Inspect};
use crate::exit::{Fail, Status};
use crate::show::{self, BAD, BOLD, DIM, GOOD, OFF, WARN, say};
use helper::fetch::{self, Fetch};
use std::io::Read;
use view::inspect::{encoding, inspect_at, look_up};
use view::question::quoted;
use view::{Code, GroupView, InspectView, LineView, PartView, WeightView};

/// More than any text may have; the reader says precisely what is too much.
const MOST: u64 = 1024 * 1024;
const LABEL: usize = 26;

pub async fn inspect(global: &Global, asked: Inspect) -> Result<(), Fail> {
    let input = input(asked.input.as_deref())?;
    let text = input.trim();
    let at = now();
    let mut view = match is_url(text) && !asked.offline {
        true => {
            let fetch = Fetch { url: text.to_owned(), method: asked.method.clone(), body: asked.body.clone() };
            let fetched = fetch::fetch(&fetch).await?;
            explain(global, &asked, &fetched.text, at).await?
        }
        false => explain(global, &asked, text, at).await?,
    };
    view.url = Some(text.to_owned()).filter(|text| is_url(text)).map(|url| quoted(&url, 2000));
    let failed = || unread(view.title.clone()).advice("What it was tried as stands above.");
    match (view.understood, global.json) {
        (true, true) => show::json(&view),
        (true, false) => print(&view),
        // One document: the picture, and why it is none that is known.
        (false, true) => return Err(failed().beside(&view)),
        (false, false) => {
            print(&view);
            return Err(failed());
        }
    }
    Ok(())
}

/// What was handed in is nothing that can be read.
fn unread(message: String) -> Fail {
    let mut fail = Fail::of(Status::Unpayable, message);
    fail.failure.code = Code::BadRequest;
    fail
}

fn is_url(text: &str) -> bool {
    (text.starts_with("https://") || text.starts_with("http://")) && !text.contains(char::is_whitespace)
}

pub(super) fn now() -> wallet::Moment {
    wallet::Clock::wall(&wallet::SystemClock)
}

async fn explain(global: &Global, asked: &Inspect, text: &str, now: wallet::Moment) -> Result<InspectView, Fail> {
    let view = inspect_at(text, now);
    let named = asked.network.as_deref().map(network).transpose()?;
    if asked.offline || !(view.can_look_up || (view.needs_network && named.is_some())) {
        return Ok(view);
    }
    Ok(look_up(text, now, &lookup(global)?, named).await)
}

/// The nodes of the profile's configuration.
pub(super) fn lookup(global: &Global) -> Result<wallet::Lookup, Fail> {
    let folder = global.folder();
    let config =
        folder.map_or_else(|| Ok(wallet::Config::default()), |dir| wallet::Config::load(&dir.join("config.toml")));
    let config = config.map_err(|e| Fail::plain(e.to_string()))?;
    wallet::Lookup::new(&config).map_err(|e| Fail::plain(e.to_string()))
}

fn network(name: &str) -> Result<tron::Network, Fail> {
    let parsed = tron::Network::parse(name).or_else(|_| tron::Network::parse(&format!("tron:{name}")));
    parsed.map_err(|e| Fail::of(Status::Usage, format!("--network: {e}")))
}

/// A file's content where there is a file of this name, or the text itself.
fn input(source: Option<&str>) -> Result<String, Fail> {
    let read = |what: &str, input: &mut dyn Read| {
        let mut bytes = Vec::new();
        input.take(MOST).read_to_end(&mut bytes).map_err(|e| Fail::plain(format!("{what} can't be read: {e}")))?;
        encoding::text(bytes).map_err(|e| unread(format!("{what}: {e}")))
    };
    let file = |path: &str| {
        let name = quoted(path, 200);
        let mut file = std::fs::File::open(path).map_err(|e| Fail::plain(format!("{name} can't be read: {e}")))?;
        read(&name, &mut file)
    };
    match source {
        None | Some("-") => read("standard input", &mut std::io::stdin().lock()),
        Some(text) => match text.strip_prefix('@') {
            Some(path) => file(path),
            // A text of this length is no name of a file.
            None if text.len() < 256 && std::path::Path::new(text).is_file() => file(text),
            None => Ok(text.to_owned()),
        },
    }
}

fn print(view: &InspectView) {
    say!("{BOLD}{}{OFF}", quoted(&view.title, 300));
    let alone = view.parts.len() == 1;
    for part in &view.parts {
        self::part(part, alone);
    }
    // Where one transaction was asked for, its note is the title.
    for note in view.looked_up.iter().filter(|note| **note != view.title) {
        say!("\n{DIM}{}{OFF}", quoted(note, 300));
    }
    if view.needs_network && view.looked_up.is_empty() {
        say!("\n{DIM}To look it up as a transaction: --network mainnet, nile or shasta.{OFF}");
    }
}

fn part(part: &PartView, alone: bool) {
    if !alone {
        let place = part.place.as_deref().map_or_else(String::new, |p| format!("  {DIM}{}{OFF}", quoted(p, 80)));
        say!("\n{BOLD}── {}{OFF}{place}", quoted(&part.title, 300));
    }
    if !part.findings.is_empty() {
        say!("");
    }
    for finding in &part.findings {
        let (style, mark) = mark(finding.weight);
        say!("  {style}{mark}{OFF} {BOLD}{}{OFF}: {}", quoted(&finding.title, 200), quoted(&finding.text, 600));
    }
    for group in &part.groups {
        self::group(group);
    }
    for tried in &part.tried {
        say!("  {DIM}tried as{OFF} {}", quoted(&tried.what, 100));
        say!(
            "    {}: expected {}, found {}",
            quoted(&tried.field, 200),
            quoted(&tried.expected, 200),
            quoted(&tried.found, 120)
        );
    }
}

fn mark(weight: WeightView) -> (anstyle::Style, &'static str) {
    match weight {
        WeightView::Good => (GOOD, "ok  "),
        WeightView::Note => (DIM, "note"),
        WeightView::Warn => (WARN, "ODD "),
        WeightView::Stop => (BAD, "STOP"),
    }
}

fn group(group: &GroupView) {
    say!("\n  {BOLD}{}{OFF}", quoted(&group.name, 80));
    for line in &group.lines {
        self::line(line);
    }
}

fn line(line: &LineView) {
    let also = line.also.as_deref().map_or_else(String::new, |also| format!("  {DIM}({}){OFF}", quoted(also, 200)));
    let label = quoted(&line.label, 60);
    say!("    {DIM}{label:<LABEL$}{OFF} {}{also}", quoted(&line.value, 600));
    if let Some(remark) = &line.remark {
        let style = line.weight.map_or(DIM, |weight| mark(weight).0);
        say!("    {:<LABEL$} {style}{}{OFF}", "", quoted(remark, 400));
    }
}
