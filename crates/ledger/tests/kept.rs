//! What the record keeps beside payments: settings, tokens, and ids that sort by time.

#![cfg(test)]

#[allow(dead_code)]
mod common;

use common::*;
use ledger::{AddedToken, PaymentId};
use tron::{Address, Network};

#[test]
fn settings_and_added_tokens_are_kept() {
    let folder = Folder::new();
    let token = AddedToken {
        network: Network::Nile,
        address: Address::from_bytes([4; 20]),
        symbol: "ABC".into(),
        decimals: 18,
        added_at: NOW,
    };
    {
        let ledger = folder.ledger();
        assert_eq!(ledger.setting("lock").unwrap(), None);
        ledger.set_setting("lock", "5").unwrap();
        ledger.set_setting("lock", "10").unwrap();
        ledger.add_token(&token).unwrap();
    }
    let ledger = folder.ledger();
    assert_eq!(ledger.setting("lock").unwrap().as_deref(), Some("10"));
    assert_eq!(ledger.tokens().unwrap(), std::slice::from_ref(&token));
    ledger.remove_token(token.network, token.address).unwrap();
    assert!(ledger.tokens().unwrap().is_empty());
}

#[test]
fn ids_sort_by_time_and_have_one_written_form() {
    let ids: Vec<PaymentId> = (0..100).map(|n| PaymentId::fresh(NOW.plus_ms(n))).collect();
    assert!(ids.is_sorted());
    for id in ids {
        assert_eq!(id.to_string().parse(), Ok(id));
    }
    let id = PaymentId::fresh(NOW).to_string();
    for text in
        ["", "x", &id[1..], &id.replace('-', ""), &format!("{{{id}}}"), &format!("urn:uuid:{id}"), &"é".repeat(18)]
    {
        assert!(text.parse::<PaymentId>().is_err(), "{text}");
    }
}
