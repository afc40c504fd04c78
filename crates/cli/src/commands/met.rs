//! What `pay` met: the offer of a 402, read from all of the answer's places at once, and where an answer that is none
//! leads. Refuses what x402 refuses to choose, in the wallet's words.

use crate::exit::{Fail, Status};
use crate::show::safe;
use reqwest::header::{LOCATION, RETRY_AFTER};
use reqwest::{Response, StatusCode};
use view::Failure;

/// A 402 has at most this much; more is not read.
const OFFER_BYTES: usize = 64 * 1024;

/// The raw 402 to hand over: the header where there is one, else the body. All of the answer is looked at, so that two
/// places that disagree are told and not chosen from.
pub(super) async fn offer(mut response: Response) -> Result<String, Fail> {
    let headers = response.headers().clone();
    let mut body = Vec::new();
    let whole = loop {
        match response.chunk().await {
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => break Ok(()),
            Err(_) => break Err(Fail::plain("the 402 broke off")),
        }
        if body.len() > OFFER_BYTES {
            let message = format!("the body of the 402 is larger than {OFFER_BYTES} bytes");
            break Err(Fail::of(Status::Unpayable, message));
        }
    };
    if let Err(fail) = whole {
        // What came with the header is whole.
        if !headers.contains_key(x402::header::PAYMENT_REQUIRED) {
            return Err(fail);
        }
        body.clear();
    }
    let named = headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    let offer = x402::answer::offer(named, &body).map_err(|none| Fail::from(Failure::no_offer(&none)))?;
    Ok(offer.raw)
}

/// An answer that is neither what was wanted nor a 402; `from` is the URL that was asked.
pub(super) fn other(from: &str, response: &Response) -> Fail {
    let status = response.status();
    let fail =
        Fail::plain(format!("{} answered {status}{}; nothing was asked for or paid", safe(from), when(response)));
    match led_to(response) {
        Some(to) => {
            fail.advice(format!("It leads to {}: ask for that address yourself if it is the right one.", safe(&to)))
        }
        None => fail,
    }
}

/// When it makes sense to ask again, where the answer says so: ", to be asked again in 30 seconds".
pub(super) fn when(response: &Response) -> String {
    let Some(after) = response.headers().get(RETRY_AFTER) else { return String::new() };
    let after = safe(&String::from_utf8_lossy(after.as_bytes()));
    match after.parse::<u64>() {
        Ok(seconds) => format!(", to be asked again in {seconds} seconds"),
        Err(_) => format!(", to be asked again after {after}"),
    }
}

/// Where a redirect leads, as an absolute URL where it can be one.
pub(super) fn led_to(response: &Response) -> Option<String> {
    let redirect = response.status().is_redirection() && response.status() != StatusCode::NOT_MODIFIED;
    let to = response.headers().get(LOCATION).filter(|_| redirect)?;
    let to = String::from_utf8_lossy(to.as_bytes()).into_owned();
    Some(response.url().join(&to).map_or(to, String::from))
}
