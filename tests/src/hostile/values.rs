//! Bodies for TRON's values: what was read writes itself back, and no two readings of the same bytes differ.

use serde_json::Value;
use tron::abi::{self, Call};
use tron::{
    Address, Amount, Digest, RawTransaction, Signature, SignedTransaction, TypedDocument, Words, recover, typed,
};

pub fn address(data: &[u8]) -> bool {
    if let Ok(address) = Address::from_bytes21(data) {
        assert_eq!(address.to_bytes21(), data);
    }
    let Ok(text) = std::str::from_utf8(data) else { return false };
    match Address::parse(text) {
        Ok(address) => {
            assert!(text.is_ascii() && matches!(text.len(), 34 | 42 | 44));
            for form in [address.to_string(), address.to_hex41(), address.to_evm_hex()] {
                assert_eq!(Address::parse(&form), Ok(address));
            }
            // Base58 and its checksum have one spelling; hex has two cases.
            assert!(text.len() != 34 || address.to_string() == text, "{text}");
            true
        }
        Err(error) => {
            assert!(error.to_string().len() < 200);
            false
        }
    }
}

pub fn amount(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    let decimals = data.first().copied().unwrap_or_default();
    for decimals in [0, 6, 18, 77, decimals] {
        if let Ok(amount) = Amount::parse_units(text, decimals) {
            let written = amount.format_units(decimals);
            assert_eq!(Amount::parse_units(&written, decimals), Ok(amount), "{text} with {decimals} decimals");
        }
    }
    match Amount::parse_smallest(text) {
        Ok(amount) => {
            assert_eq!(amount.to_string(), text);
            assert_eq!(Amount::from_be_bytes(amount.to_be_bytes()), amount);
            assert!(amount.checked_add(Amount::MAX).is_none() || amount.is_zero());
            true
        }
        Err(_) => false,
    }
}

pub fn signature(data: &[u8]) -> bool {
    let by_bytes = Signature::from_bytes(data);
    if let Ok(signature) = by_bytes {
        assert_eq!(signature.to_bytes(), data);
    }
    let by_text = std::str::from_utf8(data).ok().and_then(|text| Signature::parse(text).ok());
    let Some(signature) = by_bytes.ok().or(by_text) else { return false };
    assert_eq!(Signature::parse(&signature.to_hex()), Ok(signature));
    assert!(matches!(signature.v(), 27 | 28));
    let digest = Digest::from_bytes([0x5a; 32]);
    assert_eq!(recover(&digest, &signature), recover(&digest, &signature));
    true
}

pub fn words(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    match Words::parse(text) {
        Ok(words) => {
            assert!(matches!(words.len(), 12 | 15 | 18 | 21 | 24));
            let again = Words::parse(&words.reveal()).expect("words that were just shown");
            assert_eq!(*again.reveal_entropy(), *words.reveal_entropy());
            true
        }
        Err(error) => {
            // A mistyped phrase is still nearly the phrase.
            let said = error.to_string();
            let repeated = text.split_whitespace().find(|word| word.len() > 10 && said.contains(word));
            assert!(repeated.is_none(), "{said}");
            false
        }
    }
}

pub fn typed_document(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    let Ok(document) = TypedDocument::parse(text) else { return false };
    assert!(text.len() <= typed::MAX_BYTES);
    assert!(document.encode_type().starts_with(document.primary_type()));
    assert!(document.type_hash(document.primary_type()).is_some());
    // The digest belongs to the values and not to how they are spelt.
    let value: Value = serde_json::from_str(text).expect("what was read as JSON");
    let again = TypedDocument::parse(&value.to_string()).expect("the same document, spelt anew");
    assert_eq!((again.digest(), again.domain_separator()), (document.digest(), document.domain_separator()));
    true
}

pub fn transaction(data: &[u8]) -> bool {
    let raw = RawTransaction::decode(data);
    if let Ok(raw) = &raw {
        assert_eq!(raw.encode(), data, "what is signed is every byte that was read");
        assert_eq!(RawTransaction::from_hex(&raw.to_hex()).as_ref(), Ok(raw));
        assert_eq!(raw.differs_from(raw), None);
        assert_eq!(raw.owner(), raw.contract.owner());
    }
    let signed = SignedTransaction::from_bytes(data);
    if let Ok(signed) = &signed {
        let _ = signed.signer();
        assert_eq!(SignedTransaction::from_bytes(&signed.to_bytes()).as_ref(), Ok(signed));
        assert_eq!(SignedTransaction::from_json(&signed.to_json()).as_ref(), Ok(signed));
    }
    if let Ok(text) = std::str::from_utf8(data) {
        assert_eq!(
            RawTransaction::from_hex(text).is_ok(),
            hexed(text).is_some_and(|b| RawTransaction::decode(&b).is_ok())
        );
    }
    raw.is_ok() || signed.is_ok()
}

fn hexed(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix("0x").unwrap_or(text).as_bytes();
    let digit = |b: u8| char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok());
    let pairs = digits.chunks(2).map(|pair| match pair {
        [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    });
    pairs.collect()
}

pub fn transaction_json(data: &[u8]) -> bool {
    let Ok(json) = serde_json::from_slice::<Value>(data) else { return false };
    let raw = RawTransaction::from_json(&json);
    if let Ok(raw) = &raw {
        assert_eq!(json["txID"].as_str().and_then(|id| id.parse().ok()), Some(raw.id()));
    }
    match SignedTransaction::from_json(&json) {
        Ok(signed) => {
            assert_eq!(Ok(&signed.raw), raw.as_ref());
            assert_eq!(SignedTransaction::from_json(&signed.to_json()).as_ref(), Ok(&signed));
            let _ = signed.signer();
            true
        }
        Err(_) => raw.is_ok(),
    }
}

/// What a node says that a contract answered: words, a symbol, a revert, a log; and a call's own data.
pub fn contract_answer(data: &[u8]) -> bool {
    let symbol = abi::decode_symbol(data);
    assert!(symbol.as_ref().is_none_or(|symbol| symbol.chars().count() <= 32));
    assert!(abi::decode_decimals(data).is_none_or(|decimals| decimals <= 77));
    assert!(abi::decode_amount(data).is_none_or(|amount| amount.to_be_bytes() == data));
    abi::decode_bool(data);
    let reason = abi::revert_reason(data).to_string();
    assert!(reason.len() <= data.len() + 100, "{reason}");
    let call = abi::decode_call(data);
    match call {
        Some(Call::Approve { spender, amount }) => assert_eq!(abi::approve(spender, amount), data),
        Some(Call::Transfer { to, amount }) => assert_eq!(abi::transfer(to, amount), data),
        Some(Call::TransferFrom { .. }) | None => {}
    }
    let words: Vec<[u8; 32]> = data.chunks_exact(32).filter_map(|word| word.try_into().ok()).collect();
    let (topics, rest) = words.split_at(words.len().min(3));
    let log = abi::decode_transfer(topics, rest.as_flattened());
    assert!(log.is_none() || topics.first() == Some(&abi::TRANSFER_TOPIC));
    symbol.is_some() || call.is_some() || log.is_some()
}
