//! A 402 as a whole, as the wallet reads it when it meets one: with an offer, or with what it is instead. Asks x402
//! the same question that `countersign pay` asks, so that both say the same.

use super::odd::{NOTE, STOP, found};
use super::read::Part;
use super::split::{Piece, What};
use crate::{Failure, FindingView};
use x402::{NoOffer, header};

/// Why the answer whose pieces these are gives nothing to pay; `None` where it has an offer, or is no unpaid 402. The
/// first piece is its first line with its headers, and the next message ends it.
pub(super) fn judge(pieces: &[Piece<'_>]) -> Option<NoOffer> {
    let (message, rest) = pieces.split_first()?;
    let What::Http { first, lines } = &message.what else { return None };
    if !first.starts_with("HTTP/") || first.split(' ').nth(1) != Some("402") {
        return None;
    }
    let mut headers: Vec<(&str, &str)> = lines.iter().map(|(name, value)| (name.as_ref(), value.as_ref())).collect();
    // What was pasted or fetched is unpacked already.
    headers.retain(|(name, _)| !name.eq_ignore_ascii_case("content-encoding"));
    let mut body = "";
    for piece in rest {
        match &piece.what {
            What::Http { .. } => break,
            // A 402 to a payment: what it says is the settlement's.
            What::Header(header::PAYMENT_RESPONSE | header::X_PAYMENT_RESPONSE, _) => return None,
            What::Header(name, value) => headers.push((*name, value.as_ref())),
            What::Text(text) if piece.place.as_deref() == Some("body") => body = text.as_ref(),
            What::Text(_) => {}
        }
    }
    let headers = headers.iter().map(|(name, value)| (*name, value.as_bytes()));
    x402::answer::offer(headers, body.as_bytes()).err()
}

/// Says it on the message's own card.
pub(super) fn tell(card: &mut Part, none: NoOffer) {
    let failure = Failure::no_offer(&none);
    match none {
        NoOffer::Other(_) => {
            card.view.title = crate::question::quoted(&failure.message, 400);
            card.view.findings.push(found("noOffer", NOTE, &[]));
        }
        NoOffer::HeaderBroken { .. } | NoOffer::Malformed(_) => {
            let refused = found("answerRefused", STOP, &[]);
            card.view.findings.push(FindingView { text: crate::question::quoted(&failure.message, 600), ..refused });
        }
    }
}
