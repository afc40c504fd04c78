//! The inspector: anything x402 told in plain words. Takes any text, says what is in it, field by field, who signed it
//! and what is odd. Pure: no wallet, no key, no node, no clock but the time that is handed in; refuses nothing, a
//! text that is too large or unknown is told what it was tried as. What a chain knows is asked in [`look_up`].

mod addresses;
mod answer;
mod answers;
mod beside;
mod buried;
mod bytes;
mod calls;
mod chain;
pub mod encoding;
mod extensions;
mod lines;
mod names;
mod nearly;
mod node;
mod odd;
mod offers;
mod partly;
mod payments;
mod read;
mod refused;
pub mod shapes;
mod split;
mod transactions;
mod typed;

pub use chain::look_up;
pub(crate) use lines::role_name;

use crate::question::quoted;
use crate::show_payment::pretty;
use plan::Moment;
use read::{Is, Part};
use shapes::{InspectView, KindView, PartView, TriedView};

/// Two of the largest documents that there may be, with their headers.
pub const TEXT_BYTES: usize = 2 * (x402::limits::BODY_BYTES + x402::limits::HEADER_BYTES);
/// Where no reading was likelier than the others.
const NOT_RECOGNISED: &str = "Not recognised.";
/// What is shown of a text that is not known.
const UNKNOWN_SHOWN: usize = 4000;

/// Explains a text: headers with or without their names, whole HTTP messages, bodies, MCP messages, typed data,
/// signatures, transactions, addresses, names of networks, several of them at once. Times are shown and not judged.
pub fn inspect(text: &str) -> InspectView {
    seen(text, None).view
}

/// As [`inspect`], with what has expired by now.
pub fn inspect_at(text: &str, now: Moment) -> InspectView {
    seen(text, Some(now)).view
}

/// The picture, and the values behind it.
struct Seen {
    view: InspectView,
    all: Vec<Is>,
}

fn seen(text: &str, now: Option<Moment>) -> Seen {
    if text.len() > TEXT_BYTES {
        let found = format!("{} bytes", text.len());
        return not_read(tried("anything", "text", &found, &format!("at most {TEXT_BYTES} bytes")));
    }
    let unmarked = buried::unmarked(text);
    let text = unmarked.as_deref().unwrap_or(text);
    let (pieces, mut more) = split::split(text);
    let mut parts = read::page(text).map_or_else(|| read_all(&pieces, now), |page| vec![page]);
    if parts.is_empty() {
        let wanted = "a header, a body, typed data, a transaction, an address";
        let mut seen = not_read(tried("anything", "text", "an empty text", wanted));
        seen.view.title = "An empty text: there is nothing in it.".to_owned();
        return seen;
    }
    twice(&pieces, &mut parts);
    empties(&mut parts);
    if (more || parts.iter().any(|part| part.view.kind == KindView::Unknown))
        && let Some(found) = found_inside(text, &pieces, &parts, now)
    {
        more = found.len() > split::PIECES;
        // Of an HTTP message what could not be read belongs to it; words of a log do not.
        let http = parts.iter().any(|part| part.view.kind == KindView::Http);
        parts.retain(|part| http || !is_unknown(part));
        parts.extend(found.into_iter().take(split::PIECES));
    }
    repeated(&mut parts);
    let (views, all): (Vec<PartView>, Vec<Is>) = parts.into_iter().map(|part| (part.view, part.is)).unzip();
    let mut views = views;
    // What is asked or paid comes before the messages that carried it.
    views.sort_by_key(|view| view.kind == KindView::Http);
    if more {
        let found = format!("more than {} pieces", split::PIECES);
        let rest = tried("further documents", "text", &found, &format!("at most {}", split::PIECES));
        let title = "The rest of the text was not read.".to_owned();
        views.push(PartView { tried: vec![rest], ..part(KindView::Unknown, title, "") });
    }
    let compared = beside::compare(&all, now);
    let view = InspectView {
        title: title(&views),
        understood: views.iter().any(|view| view.kind != KindView::Unknown),
        url: match all.as_slice() {
            [Is::Url(url)] => Some(quoted(url, 2000)),
            _ => None,
        },
        can_look_up: all.iter().any(chain::can_look_up),
        needs_network: all.iter().any(|is| matches!(is, Is::Hash(_) | Is::Transaction(_) | Is::Receipt(_))),
        looked_up: vec![],
        parts: compared.into_iter().chain(views).collect(),
    };
    Seen { view, all }
}

fn read_all(pieces: &[split::Piece<'_>], now: Option<Moment>) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    let mut asked: Option<&str> = None;
    for (at, piece) in pieces.iter().enumerate() {
        let before = parts.len();
        parts.extend(read::piece(piece, asked, now));
        if let split::What::Http { first, .. } = &piece.what {
            if let (Some(card), Some(finding)) = (parts.get_mut(before), answer::judge(&pieces[at..])) {
                answer::tell(card, finding);
            }
            // "GET https://news.example/ HTTP/1.1"
            asked = first.split(' ').nth(1).filter(|url| url.starts_with("http"));
        }
    }
    parts
}

/// The documents inside a longer text that are none of its own pieces. `None` where there are none, and where a piece
/// is a document that is broken: what is whole in it is not what was handed over.
fn found_inside(text: &str, pieces: &[split::Piece<'_>], parts: &[Part], now: Option<Moment>) -> Option<Vec<Part>> {
    let broken = |piece: &split::Piece<'_>| match &piece.what {
        split::What::Text(text) => text.starts_with('{') && serde_json::from_str::<tron::Unique<true>>(text).is_err(),
        _ => false,
    };
    if pieces.iter().any(broken) {
        return None;
    }
    let key = |part: &Part| format!("{:?}", part.view.groups);
    let mut seen: std::collections::HashSet<String> = parts.iter().filter(|part| !is_unknown(part)).map(key).collect();
    let (mut documents, mut values) = (Vec::new(), Vec::new());
    for piece in buried::pieces(text) {
        let mut found = read::piece(&piece, None, now);
        if let (split::What::Text(json), true) = (&piece.what, found.iter().all(is_unknown)) {
            found = buried::inside(json, read::is_document).iter().flat_map(|p| read::piece(p, None, now)).collect();
        }
        for mut part in found.into_iter().filter(|part| !is_unknown(part) && !matches!(part.is, Is::Small)) {
            if !seen.insert(key(&part)) {
                continue;
            }
            let place = part.view.place.clone().unwrap_or_default();
            part.view.findings.push(odd::found("insideText", odd::NOTE, &[("place", &place)]));
            if is_document(&part) { documents.push(part) } else { values.push(part) }
        }
        if documents.len() > split::PIECES {
            break;
        }
    }
    match (documents.is_empty(), parts.iter().all(is_unknown)) {
        (false, _) => Some(documents),
        (true, all_unknown) => Some(values).filter(|values| all_unknown && !values.is_empty()),
    }
}

fn is_unknown(part: &Part) -> bool {
    part.view.kind == KindView::Unknown
}

/// More than a value that stands in any text: an address, an id, a name.
fn is_document(part: &Part) -> bool {
    use KindView::{Address, Hash, Http, Network, Unknown, Url};
    !matches!(part.view.kind, Unknown | Http | Hash | Address | Network | Url) && !matches!(part.is, Is::Small)
}

/// `{}` beside a document, or as the body of a 402, is only the body that had to be there; alone it is an answer.
fn empties(parts: &mut Vec<Part>) {
    let asks = |part: &Part| part.view.kind == KindView::Http && part.view.title.contains("402");
    if parts.iter().any(|part| asks(part) || is_document(part)) {
        parts.retain(|part| !matches!(part.is, Is::Small));
    }
}

/// Many servers repeat the header's document as the body: told once. A body that differs is told.
fn repeated(parts: &mut Vec<Part>) {
    let Some(at) = parts.iter().position(|part| part.view.kind == KindView::PaymentRequired) else { return };
    let again = |part: &Part| part.view.kind == KindView::PaymentRequired && part.view.place.as_deref() == Some("body");
    let Some(body) = parts.iter().skip(at + 1).position(again).map(|after| at + 1 + after) else { return };
    let (Some(Is::Offer(header)), Some(Is::Offer(other))) =
        (parts.get(at).map(|part| &part.is), parts.get(body).map(|part| &part.is))
    else {
        return;
    };
    let finding = match header.contradicted_by(other) {
        None => {
            parts.remove(body);
            odd::found("bodySame", odd::NOTE, &[])
        }
        Some(x402::Difference { field, found, expected }) => {
            let args = [("field", field.as_str()), ("found", &found), ("expected", &expected)];
            odd::found("bodyDiffers", odd::STOP, &args)
        }
    };
    if let Some(header) = parts.get_mut(at) {
        header.view.findings.push(finding);
    }
}

/// A header that came twice in one message: which one counts would be a guess.
fn twice(pieces: &[split::Piece<'_>], parts: &mut [Part]) {
    let mut names = std::collections::HashSet::new();
    let mut again = std::collections::HashSet::new();
    for piece in pieces {
        match &piece.what {
            split::What::Http { .. } => names.clear(),
            split::What::Header(name, _) if !names.insert(*name) => {
                again.insert(format!("header {name}"));
            }
            _ => {}
        }
    }
    for part in parts.iter_mut() {
        if let Some(place) = part.view.place.as_ref().filter(|place| again.contains(*place)) {
            let name = place.trim_start_matches("header ").to_owned();
            part.view.findings.insert(0, odd::found("headerTwice", odd::WARN, &[("header", &name)]));
        }
    }
}

fn title(parts: &[PartView]) -> String {
    let known: Vec<&PartView> = parts.iter().filter(|part| part.kind != KindView::Unknown).collect();
    match known.as_slice() {
        // Where only one reading was likely, that is what to say.
        [] => match parts {
            [one] if one.title != NOT_RECOGNISED && !one.document.is_empty() => one.title.clone(),
            _ => "This is nothing that x402 on TRON knows.".to_owned(),
        },
        [one] => one.title.clone(),
        // Of an HTTP message its document is what matters.
        many => match many.iter().filter(|part| part.kind != KindView::Http).collect::<Vec<_>>().as_slice() {
            [] => many.first().map(|part| part.title.clone()).unwrap_or_default(),
            [one] => one.title.clone(),
            more => format!("{} documents.", more.len()),
        },
    }
}

fn not_read(tried: TriedView) -> Seen {
    let unknown = PartView { tried: vec![tried], ..part(KindView::Unknown, "Not read.".to_owned(), "") };
    let parts = vec![unknown];
    let view = InspectView {
        title: title(&parts),
        understood: false,
        parts,
        url: None,
        can_look_up: false,
        needs_network: false,
        looked_up: vec![],
    };
    Seen { view, all: vec![] }
}

fn part(kind: KindView, title: String, text: &str) -> PartView {
    let document = match kind {
        KindView::Unknown => quoted(text, UNKNOWN_SHOWN),
        _ => document(text),
    };
    let title = quoted(&title, 400);
    PartView { kind, title, place: None, findings: vec![], groups: vec![], tried: vec![], document }
}

/// Pretty-printed where it is JSON, inside base64 too.
fn document(text: &str) -> String {
    match text.trim_start().starts_with(['{', '[', '"', '<']) || text.is_empty() {
        true => pretty(text),
        false => x402::header::read(text).map_or_else(|_| pretty(text), |json| pretty(&json)),
    }
}

fn tried(what: &str, field: &str, found: &str, expected: &str) -> TriedView {
    TriedView {
        what: what.to_owned(),
        field: quoted(field, 200),
        found: quoted(found, 120),
        expected: quoted(expected, 200),
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_402;
