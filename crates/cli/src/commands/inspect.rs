//! `inspect`: anything x402, explained. Needs no wallet, sends nothing, signs nothing.

use crate::args::{Global, Inspect};
use crate::exit::{Fail, Status};
use crate::show::say;
use crate::show::{self, BAD, BOLD, DIM, GOOD, OFF, WARN, safe};
use std::io::Read;
use view::{InspectView, WeightView};

/// More than any message may have; the reader says precisely what is too much.
const MOST: u64 = 1024 * 1024;

pub fn inspect(global: &Global, inspect: Inspect) -> Result<(), Fail> {
    let text = input(inspect.input.as_deref())?;
    let view = view::inspect(text.trim())?;
    match global.json {
        true => show::json(&view),
        false => explain(&view),
    }
    Ok(())
}

fn input(source: Option<&str>) -> Result<String, Fail> {
    let read = |what: &str, input: &mut dyn Read| {
        let mut bytes = Vec::new();
        input.take(MOST).read_to_end(&mut bytes).map_err(|e| Fail::plain(format!("{what} can't be read: {e}")))?;
        String::from_utf8(bytes).map_err(|_| Fail::of(Status::Unpayable, format!("{what} is not text")))
    };
    match source {
        None | Some("-") => read("standard input", &mut std::io::stdin().lock()),
        Some(text) => match text.strip_prefix('@') {
            Some(path) => {
                let mut file =
                    std::fs::File::open(path).map_err(|e| Fail::plain(format!("{} can't be read: {e}", safe(path))))?;
                read(&safe(path), &mut file)
            }
            None => Ok(text.to_owned()),
        },
    }
}

fn explain(view: &InspectView) {
    say!("{BOLD}{}{OFF}", safe(&view.title));
    let mut group = "";
    for line in &view.lines {
        if line.group != group {
            group = &line.group;
            say!("\n{BOLD}{}{OFF}", safe(group));
        }
        let remark = line.remark.as_deref().map_or_else(String::new, |r| format!("  {DIM}{}{OFF}", safe(r)));
        say!("  {DIM}{:<18}{OFF} {}{remark}", safe(&line.label), view::question::quoted(&line.value, 400));
    }
    if !view.findings.is_empty() {
        say!("");
    }
    for finding in &view.findings {
        let (style, mark) = match finding.weight {
            WeightView::Good => (GOOD, "ok  "),
            WeightView::Note => (DIM, "note"),
            WeightView::Warn => (WARN, "ODD "),
            WeightView::Stop => (BAD, "STOP"),
        };
        say!("  {style}{mark} {}{OFF}: {}", safe(&finding.title), safe(&finding.text));
    }
}
