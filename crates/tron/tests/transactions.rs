//! What a node or a file may say instead of the transaction that was asked for, and that none of it passes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests, too

use proptest::prelude::*;
use prost::encoding::{WireType, encode_key, encode_varint};
use serde_json::json;
use tron::tx::{Contract, Difference, RawTransaction, SignedTransaction, TxError, ref_block};
use tron::{Address, Amount, PrivateKey, abi};

fn address(byte: u8) -> Address {
    Address::from_bytes([byte; 20])
}

fn approval() -> RawTransaction {
    RawTransaction {
        ref_block_bytes: [0x1a, 0x2b],
        ref_block_hash: [0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0xff],
        expiration_ms: 1_800_000_060_000,
        timestamp_ms: 1_800_000_000_000,
        contract: Contract::Trigger {
            owner: address(1),
            contract: address(2),
            call_value_sun: 0,
            data: abi::approve(address(3), Amount::from_u64(1_100_000)),
        },
        fee_limit_sun: 100_000_000,
    }
}

fn payment() -> RawTransaction {
    RawTransaction {
        contract: Contract::Transfer { owner: address(1), to: address(2), amount_sun: 5 },
        fee_limit_sun: 0,
        ..approval()
    }
}

fn key(byte: u8) -> PrivateKey {
    PrivateKey::from_bytes(&[byte; 32]).unwrap()
}

/// A protobuf field with a length.
fn bytes_field(tag: u32, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    encode_key(tag, WireType::LengthDelimited, &mut out);
    encode_varint(bytes.len() as u64, &mut out);
    out.extend_from_slice(bytes);
    out
}

fn number_field(tag: u32, value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    encode_key(tag, WireType::Varint, &mut out);
    encode_varint(value, &mut out);
    out
}

/// Raw data with one contract of the given type, url and value.
fn raw_with(kind: u64, url: &str, value: &[u8], after: &[u8]) -> Vec<u8> {
    let any = [bytes_field(1, url.as_bytes()), bytes_field(2, value)].concat();
    let contract = [number_field(1, kind), bytes_field(2, &any), after.to_vec()].concat();
    raw_of(&[contract])
}

fn raw_of(contracts: &[Vec<u8>]) -> Vec<u8> {
    let contracts = contracts.iter().flat_map(|c| bytes_field(11, c)).collect();
    let front = [bytes_field(1, &[1, 2]), bytes_field(4, &[0; 8]), number_field(8, 60_000)].concat();
    [front, contracts, number_field(14, 1)].concat()
}

const TRANSFER_URL: &str = "type.googleapis.com/protocol.TransferContract";

fn transfer_value() -> Vec<u8> {
    [bytes_field(1, &address(1).to_bytes21()), bytes_field(2, &address(2).to_bytes21()), number_field(3, 7)].concat()
}

#[test]
fn every_single_bit_of_a_transaction_matters() {
    let mut tried = 0;
    for expected in [approval(), payment()] {
        let bytes = expected.encode();
        for bit in 0..bytes.len() * 8 {
            let mut mutated = bytes.clone();
            mutated[bit / 8] ^= 1 << (bit % 8);
            tried += 1;
            // Either it is no transaction any more, or the difference is named.
            if let Ok(found) = RawTransaction::decode(&mutated) {
                assert!(found.differs_from(&expected).is_some(), "bit {bit}");
                assert_ne!(found.id(), expected.id());
            }
        }
    }
    assert!(tried > 2000, "{tried}");
}

#[test]
fn a_node_that_changes_one_thing_is_told_what_it_changed() {
    let expected = approval();
    let with = |change: fn(&mut RawTransaction)| {
        let mut raw = approval();
        change(&mut raw);
        raw.differs_from(&expected).map(|d| d.field)
    };
    let contract = |change: fn(&mut Address, &mut Address, &mut u64, &mut Vec<u8>)| {
        let mut raw = approval();
        if let Contract::Trigger { owner, contract, call_value_sun, data } = &mut raw.contract {
            change(owner, contract, call_value_sun, data);
        }
        raw.differs_from(&expected).map(|d| d.field)
    };
    assert_eq!(with(|_| ()), None);
    assert_eq!(with(|r| r.fee_limit_sun += 1), Some("fee_limit"));
    assert_eq!(with(|r| r.expiration_ms += 1), Some("expiration"));
    assert_eq!(with(|r| r.timestamp_ms += 1), Some("timestamp"));
    assert_eq!(with(|r| r.ref_block_bytes[0] ^= 1), Some("ref_block_bytes"));
    assert_eq!(with(|r| r.ref_block_hash[7] ^= 1), Some("ref_block_hash"));
    assert_eq!(contract(|owner, _, _, _| *owner = Address::ZERO), Some("owner"));
    assert_eq!(contract(|_, contract, _, _| *contract = Address::ZERO), Some("contract"));
    assert_eq!(contract(|_, _, value, _| *value = 1), Some("value"));
    assert_eq!(contract(|_, _, _, data| data.push(0)), Some("data"));
    assert_eq!(
        payment().differs_from(&expected),
        Some(Difference { field: "type", found: "TransferContract".into(), expected: "TriggerSmartContract".into() })
    );
}

#[test]
fn anything_this_program_would_not_write_is_refused_by_name() {
    let decode = |bytes: &[u8]| RawTransaction::decode(bytes).unwrap_err();
    let raw = payment().encode();
    let unknown = |message, tag| TxError::UnknownField { message, tag };
    // Beside the contract: a memo, a script, an unknown field.
    assert_eq!(decode(&[raw.clone(), bytes_field(10, b"memo")].concat()), unknown("raw_data", 10));
    assert_eq!(decode(&[raw.clone(), bytes_field(12, b"x")].concat()), unknown("raw_data", 12));
    assert_eq!(decode(&[raw.clone(), number_field(99, 1)].concat()), unknown("raw_data", 99));
    // Inside: a permission, a provider, a field of the parameter, a token amount of a call.
    let good = raw_with(1, TRANSFER_URL, &transfer_value(), &[]);
    assert!(RawTransaction::decode(&good).is_ok());
    assert_eq!(decode(&raw_with(1, TRANSFER_URL, &transfer_value(), &number_field(5, 2))), unknown("contract", 5));
    assert_eq!(decode(&raw_with(1, TRANSFER_URL, &transfer_value(), &bytes_field(3, b"p"))), unknown("contract", 3));
    let longer = [transfer_value(), number_field(5, 1)].concat();
    assert_eq!(decode(&raw_with(1, TRANSFER_URL, &longer, &[])), unknown("TransferContract", 5));
    // Several contracts, none, another type, a type that its url contradicts.
    assert_eq!(decode(&raw_of(&[vec![], vec![]])), TxError::Contracts { found: 2 });
    assert_eq!(decode(&[]), TxError::Contracts { found: 0 });
    for (kind, url) in [
        (2, "type.googleapis.com/protocol.TransferAssetContract"),
        (31, TRANSFER_URL),
        (1, "protocol.TransferContract"),
    ] {
        let found = i32::try_from(kind).unwrap();
        let error = TxError::Kind { found, url: url.to_owned() };
        assert_eq!(decode(&raw_with(kind, url, &transfer_value(), &[])), error);
    }
    // The same values written another way, cut short, or with something behind.
    assert_eq!(decode(&[number_field(14, 1), raw.clone()].concat()), TxError::NotCanonical { message: "raw_data" });
    assert_eq!(decode(&[raw.clone(), number_field(18, 0)].concat()), TxError::NotCanonical { message: "raw_data" });
    assert!(matches!(decode(&raw[..raw.len() - 1]), TxError::Malformed { message: "raw_data", .. }));
    assert!(matches!(decode(&[raw, vec![0]].concat()), TxError::Malformed { message: "raw_data", .. }));
    // Values out of their range.
    let negative = [bytes_field(1, &address(1).to_bytes21()), bytes_field(2, &address(2).to_bytes21())].concat();
    let negative = [negative, number_field(3, u64::MAX)].concat();
    assert_eq!(
        decode(&raw_with(1, TRANSFER_URL, &negative, &[])),
        TxError::Field { field: "amount", found: "-1".into(), expected: "zero or more" }
    );
    let short = [bytes_field(1, &[0x41; 20]), bytes_field(2, &address(2).to_bytes21())].concat();
    assert!(matches!(decode(&raw_with(1, TRANSFER_URL, &short, &[])), TxError::Address { field: "owner_address", .. }));
}

#[test]
fn a_signed_transaction_names_its_signer_and_nobody_else() {
    let key = key(7);
    let signed = SignedTransaction::sign(payment(), &key);
    assert_eq!(signed.signer(), Ok(key.address()));
    let mut other = signed.clone();
    other.raw.timestamp_ms += 1;
    assert_ne!(other.signer(), Ok(key.address()));
    other.signatures.clear();
    assert_eq!(other.signer(), Err(TxError::Signatures { found: 0 }));
    other.signatures = [signed.signatures[0]; 2].to_vec();
    assert_eq!(other.signer(), Err(TxError::Signatures { found: 2 }));
    assert_eq!(SignedTransaction::from_bytes(&other.to_bytes()).map(|t| t.signatures.len()), Ok(2));
}

#[test]
fn a_signature_with_v_from_zero_is_read_as_nodes_read_it() {
    let signed = SignedTransaction::sign(payment(), &key(7));
    let mut bytes = signed.to_bytes();
    *bytes.last_mut().unwrap() -= 27;
    assert_eq!(SignedTransaction::from_bytes(&bytes), Ok(signed));
}

#[test]
fn json_with_a_wrong_id_or_without_its_parts_is_refused() {
    let signed = SignedTransaction::sign(approval(), &key(7));
    let good = signed.to_json();
    assert_eq!(SignedTransaction::from_json(&good), Ok(signed));
    let change = |key: &str, value| {
        let mut json = good.clone();
        json[key] = value;
        SignedTransaction::from_json(&json).unwrap_err()
    };
    assert!(matches!(change("txID", json!("00".repeat(32))), TxError::Id { .. }));
    assert!(matches!(change("txID", json!("nothing")), TxError::Id { .. }));
    assert!(matches!(change("raw_data_hex", json!("zz")), TxError::Field { field: "raw_data_hex", .. }));
    assert!(matches!(change("raw_data_hex", json!(null)), TxError::Field { field: "raw_data_hex", .. }));
    assert!(matches!(change("signature", json!([7])), TxError::Field { field: "signature", .. }));
    assert!(matches!(change("signature", json!(["00"])), TxError::Signature(_)));
}

#[test]
fn the_reference_to_a_block_is_taken_from_its_number_and_id() {
    let mut id = [0; 32];
    (0..32).for_each(|i| id[usize::from(i)] = i);
    assert_eq!(ref_block(0x0102_0304, &id), ([3, 4], [8, 9, 10, 11, 12, 13, 14, 15]));
}

fn any_raw() -> impl Strategy<Value = RawTransaction> {
    let count = 0..=i64::MAX as u64;
    let contract = prop_oneof![
        (any::<[u8; 20]>(), any::<[u8; 20]>(), count.clone()).prop_map(|(owner, to, amount_sun)| {
            Contract::Transfer { owner: Address::from_bytes(owner), to: Address::from_bytes(to), amount_sun }
        }),
        (any::<[u8; 20]>(), any::<[u8; 20]>(), count.clone(), prop::collection::vec(any::<u8>(), 0..300)).prop_map(
            |(owner, contract, call_value_sun, data)| Contract::Trigger {
                owner: Address::from_bytes(owner),
                contract: Address::from_bytes(contract),
                call_value_sun,
                data
            }
        ),
    ];
    (any::<[u8; 2]>(), any::<[u8; 8]>(), count.clone(), count.clone(), contract, count).prop_map(
        |(ref_block_bytes, ref_block_hash, expiration_ms, timestamp_ms, contract, fee_limit_sun)| RawTransaction {
            ref_block_bytes,
            ref_block_hash,
            expiration_ms,
            timestamp_ms,
            contract,
            fee_limit_sun,
        },
    )
}

proptest! {
    #[test]
    fn a_transaction_survives_its_encoding(raw in any_raw()) {
        prop_assert_eq!(RawTransaction::decode(&raw.encode()), Ok(raw.clone()));
        let signed = SignedTransaction::sign(raw, &key(9));
        prop_assert_eq!(SignedTransaction::from_bytes(&signed.to_bytes()), Ok(signed.clone()));
        prop_assert_eq!(SignedTransaction::from_json(&signed.to_json()), Ok(signed));
    }

    #[test]
    fn mutated_bytes_never_panic_and_what_is_read_is_written_the_same(
        raw in any_raw(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
        truncate: bool,
    ) {
        let mut bytes = SignedTransaction::sign(raw, &key(9)).to_bytes();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if truncate {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Ok(read) = SignedTransaction::from_bytes(&bytes) {
            let again = read.to_bytes();
            // Only the two ways to write v are one here.
            prop_assert_eq!(again.len(), bytes.len());
            prop_assert_eq!(SignedTransaction::from_bytes(&again), Ok(read));
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = RawTransaction::decode(&bytes);
        let _ = SignedTransaction::from_bytes(&bytes);
        let _ = abi::decode_call(&bytes);
        let _ = abi::revert_reason(&bytes);
        let _ = abi::decode_symbol(&bytes);
        let _ = abi::decode_transfer(&[abi::TRANSFER_TOPIC; 3], &bytes);
    }
}
