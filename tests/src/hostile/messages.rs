//! Bodies for every x402 message: what was understood is within the limits, is understood the same way again,
//! and what was refused is refused with three short facts.

use serde_json::Value;
use tron::PrivateKey;
use x402::facilitator::{Quote, QuoteRequest, Request, Supported, VerifyResponse};
use x402::limits::{ACCEPTS, BODY_BYTES, DEPTH, HEADER_BYTES};
use x402::{Fresh, Malformed, Offer, Payment, Requirements, Settlement, Signed, Source, Terms, U256, header, shown};

/// A refusal can be shown and told apart: a field, something found, something expected, none of them long.
fn refused(error: &Malformed) -> bool {
    assert!(!error.field.is_empty() && !error.expected.is_empty(), "{error:?}");
    super::clean("a refusal", &error.to_string());
    assert!(error.found.chars().count() <= 100, "{error:?}");
    false
}

/// The text, and what a reader says to it.
fn read<T>(data: &[u8], reader: impl Fn(&str) -> Result<T, Malformed>) -> Option<(&str, Result<T, Malformed>)> {
    let text = std::str::from_utf8(data).ok()?;
    let answer = reader(text);
    if text.len() > BODY_BYTES {
        assert!(answer.is_err(), "a document of {} bytes was read", text.len());
    }
    Some((text, answer))
}

/// How deep lists and objects nest.
fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

/// A part that was kept word for word is JSON within the depth.
fn part(raw: &str) {
    let value: Result<Value, _> = serde_json::from_str(raw);
    // serde_json's own value has no room for numbers like 1e999, which are legal JSON.
    assert!(value.as_ref().map_or(true, |value| depth(value) <= DEPTH), "{raw}");
}

pub fn offer(data: &[u8]) -> bool {
    let by_bytes = Offer::read_bytes(data);
    let Some((text, offer)) = read(data, Offer::read) else {
        return by_bytes.map_or_else(|e| refused(&e), |_| panic!("bytes that are no UTF-8 were read as an offer"));
    };
    assert_eq!(by_bytes, offer);
    let offer = match offer {
        Ok(offer) => offer,
        Err(error) => return refused(&error),
    };
    assert!((1..=ACCEPTS).contains(&offer.options.len()));
    assert!(offer.source != Source::Header || text.trim().len() <= HEADER_BYTES);
    assert_eq!(offer.raw, text);
    assert_eq!(Offer::read(&offer.raw).as_ref(), Ok(&offer));
    for (place, option) in offer.options.iter().enumerate() {
        assert_eq!(option.index, place);
        part(&option.raw);
        match &option.terms {
            Ok(terms) => pay(&offer, option, terms),
            Err(unusable) => super::clean("why an option can't be used", &unusable.to_string()),
        }
    }
    true
}

/// Whatever can be signed is signed over what the option says, and reads back as that.
fn pay(offer: &Offer, option: &Requirements, terms: &Terms) {
    let Ok(key) = PrivateKey::from_bytes(&[7; 32]) else { return };
    for fact in terms.explain() {
        super::clean(fact.key, &fact.value);
    }
    // Where the payer chooses nonce and window, these are as good as any.
    let terms = &terms.with(Fresh { nonce: U256::from(7), valid_after: 1_700_000_000, valid_before: 1_700_000_060 });
    let Ok(authorization) = terms.authorize(key.address()) else { return };
    assert!(terms.separator().is_some(), "nothing is signed under a domain that can't be compared");
    assert_eq!(authorization.payer, key.address());
    assert_eq!(Some(authorization.maximum), terms.maximum());
    assert!(authorization.maximum >= terms.price());
    assert_eq!(Some(authorization.window), terms.window());
    let payment = authorization.payment(offer, option, &key.sign(&authorization.digest));
    assert_eq!(payment.signer(), Some(key.address()));
    let signed = Signed::of(&payment, option).expect("what was signed by these terms fits them");
    assert_eq!((signed.payer, signed.maximum()), (key.address(), terms.maximum()));
    if payment.to_json().len() <= BODY_BYTES {
        let again = Payment::read(payment.to_json()).expect("a payment that was just made");
        assert_eq!(again.signer(), payment.signer());
        assert!(again.accepted.is_none_or(|accepted| accepted.raw == option.raw));
    }
}

pub fn payment(data: &[u8]) -> bool {
    let Some((_, payment)) = read(data, Payment::read) else { return false };
    let payment = match payment {
        Ok(payment) => payment,
        Err(error) => return refused(&error),
    };
    part(payment.to_json());
    assert!(payment.signer().is_none() || payment.payload.is_ok());
    if let Some(Ok(signed)) = payment.accepted.as_ref().map(|accepted| Signed::of(&payment, accepted)) {
        assert_eq!(payment.signer(), Some(signed.payer), "what is settled was signed by its payer");
        assert!(!signed.settle_call().1.is_empty() && signed.slot.owner == signed.payer);
    }
    match &payment.payload {
        Ok(payload) => payload.explain().iter().for_each(|fact| super::clean(fact.key, &fact.value)),
        Err(unusable) => super::clean("why a payload can't be used", &unusable.to_string()),
    }
    let header = payment.header_value();
    // Out of an MCP request's layers, the fields that errors name have shorter paths; all else is the same.
    for form in
        [Some(payment.to_json()), Some(&*header).filter(|header| header.len() <= HEADER_BYTES)].into_iter().flatten()
    {
        let again = Payment::read(form).expect("a payment that was just written");
        assert_eq!((again.to_json(), again.signer()), (payment.to_json(), payment.signer()));
        assert_eq!((again.version, again.payload.is_ok()), (payment.version, payment.payload.is_ok()));
    }
    true
}

pub fn settlement(data: &[u8]) -> bool {
    let Some((_, settlement)) = read(data, Settlement::read) else { return false };
    let settlement = match settlement {
        Ok(settlement) => settlement,
        Err(error) => return refused(&error),
    };
    let id = settlement.transaction.as_deref();
    assert!(id.is_none_or(|id| id.len() == 64 && id.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))));
    assert!(!(settlement.success && settlement.is_pending()));
    let json = settlement.to_json();
    if json.len() <= BODY_BYTES {
        let again = Settlement::read(&json).expect("a settlement that was just written");
        assert_eq!(
            (again.success, again.payer, again.amount),
            (settlement.success, settlement.payer, settlement.amount)
        );
        assert_eq!((&again.transaction, &again.network), (&settlement.transaction, &settlement.network));
        assert_eq!((again.is_pending(), &again.error_reason), (settlement.is_pending(), &settlement.error_reason));
    }
    true
}

pub fn requirements(data: &[u8]) -> bool {
    match read(data, Requirements::read) {
        Some((text, Ok(option))) => {
            part(&option.raw);
            assert_eq!(option.raw, text.trim_matches([' ', '\t', '\r', '\n']));
            assert!(option.same_as(&option));
            assert_eq!(Requirements::read(&option.raw).as_ref(), Ok(&option));
            true
        }
        Some((_, Err(error))) => refused(&error),
        None => false,
    }
}

pub fn request(data: &[u8]) -> bool {
    match read(data, Request::read) {
        Some((_, Ok(request))) => {
            request.payment.signer();
            let json = request.to_json();
            if json.len() <= BODY_BYTES {
                let again = Request::read(&json).expect("a request that was just written");
                assert_eq!(again, request);
            }
            true
        }
        Some((_, Err(error))) => refused(&error),
        None => false,
    }
}

pub fn supported(data: &[u8]) -> bool {
    match read(data, Supported::read) {
        Some((_, Ok(supported))) => {
            let json = supported.to_json();
            if json.len() <= BODY_BYTES {
                let again = Supported::read(&json).expect("an answer that was just written");
                assert_eq!(again.kinds.len(), supported.kinds.len());
                assert_eq!((again.extensions, again.signers), (supported.extensions, supported.signers));
            }
            true
        }
        Some((_, Err(error))) => refused(&error),
        None => false,
    }
}

pub fn verified(data: &[u8]) -> bool {
    match read(data, VerifyResponse::read) {
        Some((_, Ok(answer))) => {
            let json = answer.to_json();
            assert!(json.len() > BODY_BYTES || VerifyResponse::read(&json).as_ref() == Ok(&answer), "{json}");
            true
        }
        Some((_, Err(error))) => refused(&error),
        None => false,
    }
}

pub fn quotes(data: &[u8]) -> bool {
    match read(data, Quote::read_list) {
        Some((_, Ok(quotes))) => {
            let json = Quote::write_list(&quotes);
            assert!(json.len() > BODY_BYTES || Quote::read_list(&json).as_ref() == Ok(&quotes), "{json}");
            true
        }
        Some((_, Err(error))) => refused(&error),
        None => false,
    }
}

pub fn quote_request(data: &[u8]) -> bool {
    match read(data, QuoteRequest::read) {
        Some((_, Ok(asked))) => {
            assert!(asked.accepts.len() <= ACCEPTS);
            assert_eq!(QuoteRequest::read(&asked.to_json()).as_ref(), Ok(&asked));
            true
        }
        Some((_, Err(error))) => refused(&error),
        None => false,
    }
}

/// A header's value, and a header that came once per line.
pub fn header(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    let lines = text.lines().count();
    match header::single(header::PAYMENT_REQUIRED, text.lines()) {
        Ok(one) => assert!(lines <= 1 && one == text.lines().next()),
        Err(error) => assert!(lines > 1 && !refused(&error)),
    }
    let written = header::write(text);
    if !text.is_empty() && written.len() <= HEADER_BYTES {
        assert_eq!(header::read(&written).as_deref(), Ok(text));
    }
    assert!(shown(text).chars().count() <= 100);
    super::clean("a shown text", &shown(text));
    match header::read(text) {
        Ok(json) => {
            assert!(text.len() <= HEADER_BYTES && json.len() <= text.len());
            true
        }
        Err(error) => refused(&error),
    }
}
