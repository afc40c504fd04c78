//! Transactions that anybody may have made, as a reader sees them: every half, every signature, every danger.

use super::{at, codes, key, value};
use crate::inspect::shapes::InspectView;
use crate::{FindingView, WeightView};
use serde_json::{Value, json};
use tron::foreign::ForeignTransaction;
use tron::foreign::schema::CONTRACTS;
use tron::{Address, PrivateKey, TxId};

fn varint(mut number: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while number >= 0x80 {
        out.push((number % 0x80) as u8 | 0x80);
        number /= 0x80;
    }
    out.push(number as u8);
    out
}

fn bytes(tag: u64, bytes: &[u8]) -> Vec<u8> {
    [varint((tag << 3) | 2), varint(bytes.len() as u64), bytes.to_vec()].concat()
}

fn number(tag: u64, number: u64) -> Vec<u8> {
    [varint(tag << 3), varint(number)].concat()
}

fn thief() -> Address {
    Address::from_bytes([0x37; 20])
}

/// A contract of a type with the fields of its message.
fn contract(number_of: u64, name: &str, message: &[u8], after: &[u8]) -> Vec<u8> {
    let url = format!("type.googleapis.com/protocol.{name}");
    let any = [bytes(1, url.as_bytes()), bytes(2, message)].concat();
    let kind = if number_of == 0 { vec![] } else { number(1, number_of) };
    bytes(11, &[kind, bytes(2, &any), after.to_vec()].concat())
}

/// Raw data around contracts, with what else stands before and behind them.
fn raw(memo: &[u8], contracts: &[u8], fee_limit: u64) -> Vec<u8> {
    let memo = if memo.is_empty() { vec![] } else { bytes(10, memo) };
    let fee = if fee_limit == 0 { vec![] } else { number(18, fee_limit) };
    let head = [bytes(1, &[1, 2]), bytes(4, &[3; 8]), number(8, 1_795_600_060_000)].concat();
    [head, memo, contracts.to_vec(), number(14, 1_795_600_000_000), fee].concat()
}

fn transfer(sun: u64) -> Vec<u8> {
    let message = [bytes(1, &key().address().to_bytes21()), bytes(2, &thief().to_bytes21()), number(3, sun)].concat();
    contract(1, "TransferContract", &message, &[])
}

fn call(data: &[u8], fee_limit: u64) -> Vec<u8> {
    let token = Address::parse(super::USDT).unwrap();
    let message = [bytes(1, &key().address().to_bytes21()), bytes(2, &token.to_bytes21()), bytes(4, data)].concat();
    raw(&[], &contract(31, "TriggerSmartContract", &message, &[]), fee_limit)
}

fn signed(raw: &[u8], keys: &[&PrivateKey]) -> String {
    let id = ForeignTransaction::from_hex(&hex(raw)).unwrap().id.unwrap();
    let signatures: Vec<u8> = keys.iter().flat_map(|key| bytes(2, &key.sign(&id.digest()).to_bytes())).collect();
    hex(&[bytes(1, raw), signatures].concat())
}

fn hex(bytes: &[u8]) -> String {
    crate::inspect::payments::hex(bytes)
}

fn finding<'v>(view: &'v InspectView, code: &str) -> &'v FindingView {
    let mut all = view.parts.iter().flat_map(|part| &part.findings);
    all.find(|finding| finding.code == code).unwrap_or_else(|| panic!("no {code} in {:?}", codes(view)))
}

/// A document of the node API with both halves.
fn document(raw: &[u8], visible: bool) -> Value {
    let read = ForeignTransaction::from_hex(&hex(raw)).unwrap();
    let mut said = read.raw.to_json();
    if visible {
        base58(&mut said);
    }
    json!({ "visible": visible, "txID": read.id.unwrap().to_string(), "raw_data": said, "raw_data_hex": hex(raw) })
}

fn base58(value: &mut Value) {
    match value {
        Value::Object(members) => members.values_mut().for_each(base58),
        Value::Array(items) => items.iter_mut().for_each(base58),
        Value::String(text) if text.len() == 42 => {
            if let Ok(address) = Address::parse(text) {
                *text = address.to_string();
            }
        }
        _ => {}
    }
}

#[test]
fn memo_permission_and_delegation_are_told_in_words_with_owner_and_id() {
    let memo = raw(b"inv-17", &transfer(5), 0);
    let seen = at(&signed(&memo, &[&key()]));
    assert!(finding(&seen, "memo").text.contains("\"inv-17\""), "{:?}", finding(&seen, "memo"));
    assert!(codes(&seen).contains(&"neverMade") && codes(&seen).contains(&"signerFits"), "{:?}", codes(&seen));
    let message = [bytes(1, &key().address().to_bytes21()), bytes(2, &thief().to_bytes21()), number(3, 5)].concat();
    let second = raw(&[], &contract(1, "TransferContract", &message, &number(5, 2)), 0);
    let seen = at(&signed(&second, &[&key()]));
    assert!(finding(&seen, "permissionUsed").text.contains("Permission_id 2"));
    assert!(!codes(&seen).contains(&"signerFits"), "whether the owner's key is of permission 2 is not known");
    let owner = bytes(1, &key().address().to_bytes21());
    let lend = [owner, number(2, 1), number(3, 10_000_000), bytes(4, &thief().to_bytes21())].concat();
    let seen = at(&hex(&raw(&[], &contract(57, "DelegateResourceContract", &lend, &[]), 0)));
    assert_eq!(
        seen.title,
        "A TRON transaction that lends the energy of 10 TRX to another account, without a signature."
    );
    assert_eq!(value(&seen, "type"), "DelegateResourceContract");
    assert_eq!(value(&seen, "stake behind it"), "10 TRX");
    assert_eq!(value(&seen, "for"), thief().to_string());
    assert_eq!(value(&seen, "resource"), "ENERGY");
}

/// Every type has words of its own, and is called by its name.
#[test]
fn every_type_of_contract_is_named_with_its_owner() {
    for kind in &CONTRACTS {
        let owner = kind.schema.and_then(|schema| {
            schema.fields.iter().find(|field| matches!(field.name, "owner_address" | "transparent_from_address"))
        });
        let message = owner.map(|field| bytes(field.tag.into(), &key().address().to_bytes21())).unwrap_or_default();
        let number_of = u64::try_from(kind.number).unwrap();
        let seen = at(&hex(&raw(&[], &contract(number_of, kind.name, &message, &[]), 0)));
        assert_eq!(value(&seen, "type"), kind.name);
        assert!(!seen.title.contains("does what"), "{}", seen.title);
        if owner.is_some() {
            assert_eq!(value(&seen, "owner, who has to sign"), key().address().to_string(), "{}", kind.name);
        }
        // What no node executes is said to be that; one that is executed may still lack what it needs here.
        assert!(kind.executed || codes(&seen).contains(&"notTaken"), "{}", kind.name);
    }
    let seen = at(&hex(&raw(&[], &contract(77, "StrangeContract", &[], &[]), 0)));
    assert!(seen.understood && finding(&seen, "notTaken").text.contains("no type 77"), "{seen:#?}");
}

#[test]
fn json_without_its_bytes_is_told_and_nothing_proves_its_id() {
    let whole = document(&raw(&[], &transfer(21_750_000), 0), false);
    let id: TxId = whole["txID"].as_str().unwrap().parse().unwrap();
    let mut half = whole.clone();
    half.as_object_mut().unwrap().remove("raw_data_hex");
    half["signature"] = json!([hex(&key().sign(&id.digest()).to_bytes())]);
    let seen = at(&half.to_string());
    assert_eq!(value(&seen, "amount"), "21.75 TRX");
    assert!(finding(&seen, "noBytes").text.contains("raw_data_hex is missing"));
    assert!(!codes(&seen).contains(&"signerFits"), "{:?}", codes(&seen));
    assert_eq!(value(&seen, "signature recovers to"), key().address().to_string());
}

/// Every member that the readable half can have, each changed by itself, in both forms of the document.
#[test]
fn what_the_readable_half_says_and_the_bytes_dont_stops_with_both() {
    let mut counted = 0;
    let delegate = {
        let owner = bytes(1, &key().address().to_bytes21());
        let lend = [owner, number(2, 1), number(3, 7), bytes(4, &thief().to_bytes21()), number(5, 1), number(6, 9)];
        raw(&[], &contract(57, "DelegateResourceContract", &lend.concat(), &number(5, 2)), 0)
    };
    let trigger = call(&[0xa9, 0x05, 0x9c, 0xbb], 100);
    for raw in [raw(b"memo", &transfer(1_000_000_000), 7), delegate, trigger] {
        for visible in [false, true] {
            let honest = document(&raw, visible);
            let seen = at(&honest.to_string());
            assert!(!codes(&seen).iter().any(|code| code.ends_with("Differs") || code.ends_with("Differ")), "{honest}");
            let mut members = Vec::new();
            leaves(&honest["raw_data"], "/raw_data", &mut members);
            members.push("/txID".to_owned());
            for member in members {
                let mut lie = honest.clone();
                let slot = lie.pointer_mut(&member).unwrap();
                *slot = other(slot);
                let (seen, said) = (at(&lie.to_string()), lie.pointer(&member).unwrap());
                let code = if member == "/txID" { "idDiffers" } else { "halvesDiffer" };
                let found = finding(&seen, code);
                assert_eq!(found.weight, WeightView::Stop);
                let path = member.rsplit('/').next().unwrap();
                assert!(found.text.contains(path), "{member}: {}", found.text);
                if let Some(text) = said.as_str().filter(|_| member == "/txID" || member.ends_with("address")) {
                    let text = Address::parse(text).map_or_else(|_| text.to_owned(), |address| address.to_string());
                    assert!(found.text.contains(&text), "{member}: {}", found.text);
                }
                counted += 1;
            }
            // A member that the bytes have not at all.
            for (path, name) in [("/raw_data", "scripts"), ("/raw_data/contract/0/parameter/value", "to")] {
                let mut lie = honest.clone();
                lie.pointer_mut(path).unwrap()[name] = json!("ab");
                assert!(codes(&at(&lie.to_string())).contains(&"halvesDiffer"), "{path}/{name}");
            }
            // One that the bytes have and the readable half leaves out.
            let mut lie = honest.clone();
            lie["raw_data"]["contract"][0]["parameter"]["value"].as_object_mut().unwrap().remove("owner_address");
            assert!(codes(&at(&lie.to_string())).contains(&"halvesDiffer"));
            lie["raw_data"] = json!({ "contract": [] });
            assert!(codes(&at(&lie.to_string())).contains(&"halvesDiffer"));
        }
    }
    assert!(counted > 60, "{counted}");
}

fn leaves(value: &Value, path: &str, out: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(name, value)| leaves(value, &format!("{path}/{name}"), out))
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(i, value)| leaves(value, &format!("{path}/{i}"), out));
        }
        _ => out.push(path.to_owned()),
    }
}

/// Another value of the same shape.
fn other(value: &Value) -> Value {
    match value {
        Value::Number(number) => (number.as_u64().unwrap() + 1).into(),
        Value::Bool(yes) => (!yes).into(),
        Value::String(text) => match (Address::parse(text), text.as_str()) {
            (Ok(_), text) if text.starts_with('T') => Address::from_bytes([9; 20]).to_string().into(),
            (Ok(_), _) => Address::from_bytes([9; 20]).to_hex41().into(),
            (_, "ENERGY") => "BANDWIDTH".into(),
            (_, "TransferContract" | "DelegateResourceContract" | "TriggerSmartContract") => {
                "VoteWitnessContract".into()
            }
            (_, text) if text.contains('.') => format!("{text}x").into(),
            (_, text) => format!("{}{}", &text[..text.len() - 1], if text.ends_with('0') { '1' } else { '0' }).into(),
        },
        other => panic!("{other}"),
    }
}

#[test]
fn the_same_in_another_spelling_is_no_difference() {
    let raw = raw(b"memo", &transfer(1_000_000), 0);
    let honest = document(&raw, false);
    let mut same = honest.clone();
    let value = &mut same["raw_data"]["contract"][0]["parameter"]["value"];
    value["amount"] = json!("1000000");
    value["to_address"] = json!(thief().to_evm_hex());
    value["owner_address"] = json!(key().address().to_string());
    same["raw_data"]["contract"][0]["type"] = json!(1);
    same["raw_data"]["contract"][0]["Permission_id"] = json!(0);
    same["raw_data"]["fee_limit"] = json!(0);
    same["raw_data"]["scripts"] = json!("");
    same["raw_data"]["auths"] = json!([]);
    same["raw_data"]["ref_block_num"] = Value::Null;
    same["txID"] = json!(honest["txID"].as_str().unwrap().to_uppercase());
    for text in [honest.to_string(), same.to_string()] {
        let seen = at(&text);
        assert!(!codes(&seen).iter().any(|code| code.contains("iffer")), "{:?} {text}", codes(&seen));
    }
    // A key that stands twice is nobody's to choose.
    let twice = honest.to_string().replacen("\"amount\":1000000", "\"amount\":1,\"amount\":1000000", 1);
    let seen = at(&twice);
    assert!(!seen.understood && seen.parts[0].tried[0].found.contains("twice"), "{:?}", seen.parts[0].tried);
}

#[test]
fn a_lie_beside_a_good_signature_is_never_called_a_signature_that_holds() {
    let raw = raw(&[], &transfer(1_000_000_000), 0);
    let mut lie = document(&raw, false);
    let id: TxId = lie["txID"].as_str().unwrap().parse().unwrap();
    lie["signature"] = json!([hex(&key().sign(&id.digest()).to_bytes())]);
    lie["raw_data"]["contract"][0]["parameter"]["value"]["amount"] = json!(1_000_000);
    let seen = at(&lie.to_string());
    let found = finding(&seen, "halvesDiffer");
    assert!(found.text.contains("1 TRX") && found.text.contains("1000 TRX"), "{}", found.text);
    assert!(!codes(&seen).contains(&"signerFits"));
    // The same in what a node answers to a trial run.
    let wrapped = json!({ "result": { "result": true }, "energy_used": 1, "transaction": lie });
    assert!(codes(&at(&wrapped.to_string())).contains(&"halvesDiffer"));
}

#[test]
fn each_signature_has_its_signer_and_a_foreign_key_is_good_only_by_permission() {
    let other = PrivateKey::from_bytes(&[8; 32]).unwrap();
    let raw = raw(&[], &transfer(1), 0);
    let seen = at(&signed(&raw, &[&key(), &other]));
    assert_eq!(seen.title, "A TRON transaction that moves 0.000001 TRX, with several signatures.");
    assert!(finding(&seen, "signerFits").text.contains(&key().address().to_string()));
    let foreign = finding(&seen, "signerForeign");
    assert!(foreign.weight == WeightView::Warn && foreign.text.contains(&other.address().to_string()), "{foreign:?}");
    let twice = at(&signed(&raw, &[&key(), &key()]));
    assert_eq!(finding(&twice, "signedTwice").weight, WeightView::Stop);
    let alone = at(&signed(&raw, &[&other]));
    assert!(codes(&alone).contains(&"signerForeign") && !codes(&alone).contains(&"signerDiffers"));
}

#[test]
fn v_as_0_or_1_is_read_in_a_transaction_and_refused_for_a_contract() {
    let raw = raw(&[], &transfer(1), 0);
    let id = ForeignTransaction::from_hex(&hex(&raw)).unwrap().id.unwrap();
    let mut plain = key().sign(&id.digest()).to_bytes();
    plain[64] -= 27;
    let seen = at(&hex(&[bytes(1, &raw), bytes(2, &plain)].concat()));
    assert!(codes(&seen).contains(&"signerFits") && codes(&seen).contains(&"plainV"), "{:?}", codes(&seen));
    let alone = at(&hex(&plain));
    assert!(finding(&alone, "plainV").text.contains("Contracts want 27 or 28"));
    let beside = at(&format!("{}\n{}", hex(&raw), hex(&plain)));
    assert!(codes(&beside).contains(&"signerFits"));
    let typed = super::typed_document();
    assert!(codes(&at(&format!("{typed}\n{}", hex(&plain)))).contains(&"plainVRefused"));
    for v in [2, 29, 31, 32] {
        plain[64] = v;
        assert!(finding(&at(&hex(&plain)), "signatureBroken").text.contains("out of range"), "{v}");
        let seen = at(&hex(&[bytes(1, &raw), bytes(2, &plain)].concat()));
        assert!(finding(&seen, "signatureBroken").text.contains("out of range"), "{v}");
    }
}

#[test]
fn what_a_thief_wants_signed_stops_with_its_transaction_and_alone() {
    let word = |hex: &str| format!("{hex:0>64}");
    let (to, all) = (word(&"37".repeat(20)), "f".repeat(64));
    let (one, none) = (word("1"), word("0"));
    for (data, code, weight) in [
        (format!("095ea7b3{to}{all}"), "allowanceUnlimited", WeightView::Stop),
        (format!("d73dd623{to}{one}"), "allowanceRaised", WeightView::Stop),
        (format!("39509351{to}{all}"), "allowanceRaised", WeightView::Stop),
        (format!("a22cb465{to}{one}"), "allowanceAll", WeightView::Stop),
        (format!("a22cb465{to}{none}"), "allowanceLowered", WeightView::Note),
        (format!("095ea7b3{to}{none}"), "allowanceLowered", WeightView::Note),
        (format!("66188463{to}{one}"), "allowanceLowered", WeightView::Note),
        (format!("a457c2d7{to}{all}"), "allowanceLowered", WeightView::Note),
        (format!("d505accf{to}{to}{one}{one}{one}{one}{one}"), "allowanceByPermit", WeightView::Stop),
        (format!("87517c45{to}{to}{one}{one}"), "allowanceRaised", WeightView::Stop),
        (format!("23b872dd{to}{to}{one}"), "takesFrom", WeightView::Stop),
        (format!("42842e0e{to}{to}{one}"), "takesFrom", WeightView::Stop),
        (format!("f2fde38b{to}"), "givesControl", WeightView::Stop),
        (format!("ac9650d8{one}"), "callsInside", WeightView::Warn),
        // A byte too many and dirty padding hide nothing.
        (format!("095ea7b3{to}{all}00"), "allowanceUnlimited", WeightView::Stop),
        (format!("d73dd623{}41{}{one}", "0".repeat(22), "37".repeat(20)), "callUnclean", WeightView::Warn),
    ] {
        let bytes: Vec<u8> =
            (0..data.len() / 2).map(|i| u8::from_str_radix(&data[2 * i..2 * i + 2], 16).unwrap()).collect();
        for text in [data.clone(), format!("0x{data}"), hex(&call(&bytes, 1)), signed(&call(&bytes, 1), &[&key()])] {
            let seen = at(&text);
            assert!(seen.understood);
            assert_eq!(finding(&seen, code).weight, weight, "{text}");
        }
    }
}

#[test]
fn a_call_that_may_burn_nothing_gets_a_word_of_warning() {
    let data = tron::abi::transfer(thief(), tron::Amount::from_u64(1));
    assert!(codes(&at(&hex(&call(&data, 0)))).contains(&"feeLimitZero"));
    assert!(!codes(&at(&hex(&call(&data, 1_000_000)))).contains(&"feeLimitZero"));
    assert!(!codes(&at(&hex(&raw(&[], &transfer(1), 0)))).contains(&"feeLimitZero"));
}

#[test]
fn a_change_of_permissions_says_whose_the_account_is_then() {
    let keys = |address: Address| bytes(7, &[bytes(1, &address.to_bytes21()), number(2, 1)].concat());
    let owner = |address: Address| [bytes(3, b"owner"), number(4, 1), keys(address)].concat();
    let active = |address: Address, operations: [u8; 32]| {
        [number(1, 2), number(2, 2), bytes(3, b"active"), number(4, 1), bytes(6, &operations), keys(address)].concat()
    };
    let update = |ruler: Address, operations: [u8; 32]| {
        let message =
            [bytes(1, &key().address().to_bytes21()), bytes(2, &owner(ruler)), bytes(4, &active(thief(), operations))];
        signed(&raw(&[], &contract(46, "AccountPermissionUpdateContract", &message.concat(), &[]), 0), &[&key()])
    };
    let mut sane = [0; 32];
    sane[0] = 0x7f;
    let given = at(&update(thief(), [0xff; 32]));
    let found = finding(&given, "accountGiven");
    assert!(found.weight == WeightView::Stop && found.text.contains(&thief().to_string()), "{found:?}");
    assert!(finding(&given, "notTaken").text.contains("types that TRON does not have"));
    assert_eq!(value(&given, "signature recovers to"), key().address().to_string());
    let shared = at(&update(key().address(), sane));
    assert_eq!(finding(&shared, "permissionsChanged").weight, WeightView::Stop);
    assert!(!codes(&shared).contains(&"notTaken"), "{:?}", codes(&shared));
}

#[test]
fn what_no_node_takes_is_said_to_be_that() {
    let two = raw(&[], &[transfer(1), transfer(2)].concat(), 0);
    let seen = at(&hex(&two));
    assert!(finding(&seen, "notTaken").text.contains("2 contracts"), "{seen:#?}");
    let message = [bytes(1, &key().address().to_bytes21()), bytes(2, &thief().to_bytes21()), number(3, 5)].concat();
    let disguised = raw(&[], &contract(57, "TransferContract", &message, &[]), 0);
    assert!(finding(&at(&hex(&disguised)), "notTaken").text.contains("its parameter says TransferContract"));
    let mut twice = raw(&[], &transfer(1), 0);
    twice.extend(number(8, 5));
    assert!(codes(&at(&hex(&twice))).contains(&"unusualBytes"));
    let cut = hex(&raw(&[], &transfer(1), 0));
    let seen = at(&cut[..cut.len() - 2]);
    assert!(!seen.understood && seen.parts[0].tried[0].found.contains("byte"), "{:?}", seen.parts[0].tried);
}

/// A transaction of any type in the node's own words.
fn of_type(name: &str, value: Value) -> InspectView {
    let url = format!("type.googleapis.com/protocol.{name}");
    let contract = json!({ "type": name, "parameter": { "type_url": url, "value": value } });
    at(&json!({ "visible": true, "raw_data": { "contract": [contract], "ref_block_bytes": "0011" } }).to_string())
}

#[test]
fn what_lasts_or_costs_much_is_told_as_that() {
    let (owner, other) = (key().address().to_string(), thief().to_string());
    for (name, mut more, code, weight) in [
        (
            "DelegateResourceContract",
            json!({ "lock": true, "lock_period": 864_000 }),
            "resourceLocked",
            WeightView::Stop,
        ),
        ("DelegateResourceContract", json!({ "lock": true }), "resourceLocked", WeightView::Stop),
        ("DelegateResourceContract", json!({}), "resourceLent", WeightView::Note),
        ("UpdateSettingContract", json!({ "contract_address": other }), "energyShare", WeightView::Warn),
        ("UpdateEnergyLimitContract", json!({ "contract_address": other }), "energyLimit", WeightView::Warn),
        ("ClearABIContract", json!({ "contract_address": other }), "abiCleared", WeightView::Warn),
        ("WitnessCreateContract", json!({}), "witnessMade", WeightView::Warn),
        ("ParticipateAssetIssueContract", json!({ "to_address": other }), "assetBought", WeightView::Warn),
    ] {
        more["owner_address"] = json!(owner);
        more["receiver_address"] = json!(other);
        more["balance"] = json!(5_000_000);
        let seen = of_type(name, more);
        assert_eq!(finding(&seen, code).weight, weight, "{name}");
    }
    let locked = json!({ "owner_address": owner, "receiver_address": other, "balance": 5_000_000, "lock": true });
    let seen = of_type("DelegateResourceContract", locked);
    assert!(finding(&seen, "resourceLocked").text.contains("for 3 days"), "{seen:#?}");
    // Zeros that are left out of the bytes and say the most.
    assert_eq!(value(&seen, "resource"), "BANDWIDTH");
    let seen = of_type("UpdateSettingContract", json!({ "owner_address": owner, "contract_address": other }));
    assert_eq!(value(&seen, "caller pays, in percent"), "0");
    assert_eq!(seen.title, "A TRON transaction that changes who pays a contract's energy, without a signature.");
    let staked = of_type("FreezeBalanceV2Contract", json!({ "owner_address": owner, "frozen_balance": 5_000_000 }));
    assert!(staked.title.contains("stakes 5 TRX for bandwidth"), "{}", staked.title);
}

#[test]
fn a_permission_says_whether_it_may_change_permissions() {
    let keys = json!([{ "address": thief().to_string(), "weight": 1 }]);
    let own = json!({ "permission_name": "owner", "threshold": 1, "keys": [{ "address": key().address().to_string(), "weight": 1 }] });
    let with = |operations: &str| {
        let active = json!({ "type": "Active", "threshold": 1, "operations": operations, "keys": keys });
        let value = json!({ "owner_address": key().address().to_string(), "owner": own, "actives": [active] });
        of_type("AccountPermissionUpdateContract", value)
    };
    // What wallets set, and the same with bit 46.
    let usual = with("7fff1fc0033e0000000000000000000000000000000000000000000000000000");
    let all = with("7fff1fc0037e0000000000000000000000000000000000000000000000000000");
    assert!(value(&usual, "may do").starts_with("everything but "), "{}", value(&usual, "may do"));
    let warned = |seen: &InspectView| format!("{seen:?}").contains("it may also change who signs for the account");
    assert!(!warned(&usual) && warned(&all));
}
