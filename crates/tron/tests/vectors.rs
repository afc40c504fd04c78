//! Every entry of the vector files, one test per list. Fields: tests/data/vectors/README.md.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests, too

use serde_json::Value;
use tron::abi::{self, Call};
use tron::tx::{Contract, RawTransaction, SignedTransaction};
use tron::{
    Address, Amount, Digest, Network, PrivateKey, Signature, TypedDocument, Words, hd, message, recover, tip712,
};

fn load(name: &str) -> Value {
    let path = format!("{}/../../tests/data/vectors/{name}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"))).unwrap()
}

/// The entries of a list, which must have this many: a shortened file is not a passing one.
fn entries(file: &Value, list: &str, count: usize) -> Vec<Value> {
    let entries = file[list].as_array().unwrap().clone();
    assert_eq!(entries.len(), count, "entries of {list}");
    entries
}

fn text<'a>(entry: &'a Value, key: &str) -> &'a str {
    entry[key].as_str().unwrap_or_else(|| panic!("{key} of {entry}"))
}

fn key(entry: &Value) -> PrivateKey {
    PrivateKey::from_bytes(&bytes32(text(entry, "privateKey"))).unwrap()
}

fn bytes32(text: &str) -> [u8; 32] {
    hex::decode(text.trim_start_matches("0x")).unwrap().try_into().unwrap()
}

fn keccak(text: &str) -> [u8; 32] {
    alloy_primitives::keccak256(text).0
}

#[test]
fn typed_data_hashes_signs_and_recovers_as_elsewhere() {
    for entry in entries(&load("tron-signing.json"), "typedData", 15) {
        let id = text(&entry, "id");
        let document = TypedDocument::parse(&entry["typedData"].to_string()).unwrap_or_else(|e| panic!("{id}: {e}"));
        assert_eq!(document.primary_type(), text(&entry, "primaryType"), "{id}");
        assert_eq!(document.encode_type(), text(&entry, "encodeType"), "{id}");
        assert_eq!(keccak(document.encode_type()), bytes32(text(&entry, "typeHash")), "{id}");
        for (name, hash) in entry["structTypeHashes"].as_object().unwrap() {
            assert_eq!(document.type_hash(name), Some(bytes32(hash.as_str().unwrap())), "{id} {name}");
        }
        assert_eq!(document.domain_separator(), bytes32(text(&entry, "domainSeparator")), "{id}");
        assert_eq!(document.struct_hash(), bytes32(text(&entry, "structHash")), "{id}");
        let digest = document.digest();
        assert_eq!(Ok(digest), text(&entry, "digest").parse(), "{id}");
        assert_eq!(document.message(), &entry["typedData"]["message"], "{id}");

        // The domain that this program would build itself is the same one.
        let network = Network::parse(text(&entry, "network")).unwrap();
        assert_eq!(Some(network.chain_id()), entry["chainId"].as_u64(), "{id}");
        let domain = &entry["typedData"]["domain"];
        let contract = Address::parse(text(domain, "verifyingContract")).unwrap();
        let built = tip712::domain(text(domain, "name"), domain["version"].as_str(), network, contract);
        assert_eq!(&built, document.domain(), "{id}");

        let key = key(&entry);
        let signer = Address::parse(text(&entry, "signerTron")).unwrap();
        assert_eq!(key.address(), signer, "{id}");
        assert_eq!(Address::parse(text(&entry, "signerEvm")), Ok(signer), "{id}");
        let signature = key.sign(&digest);
        assert_eq!(signature.to_hex(), text(&entry, "signature"), "{id}");
        assert_eq!(Signature::parse(text(&entry, "signature")), Ok(signature), "{id}");
        assert_eq!(*signature.r(), bytes32(text(&entry, "r")), "{id}");
        assert_eq!(*signature.s(), bytes32(text(&entry, "s")), "{id}");
        assert_eq!(Some(u64::from(signature.v())), entry["v"].as_u64(), "{id}");
        assert!(signature.is_low_s(), "{id}");
        assert_eq!(recover(&digest, &signature), Ok(signer), "{id}");
    }
}

#[test]
fn one_wrong_thing_in_the_domain_is_another_digest_and_another_signer() {
    let file = load("tron-signing.json");
    let first = &file["typedData"][0];
    let signature = Signature::parse(text(first, "signature")).unwrap();
    for entry in entries(&file, "negatives", 4) {
        let id = text(&entry, "id");
        let mut document = first["typedData"].clone();
        document["domain"] = entry["domain"].clone();
        if entry["domain"].get("version").is_some() {
            // The declared domain type has to say so as well, or the document is refused.
            let refused = TypedDocument::parse(&document.to_string());
            assert!(refused.is_err(), "{id}");
            let version = serde_json::json!({ "name": "version", "type": "string" });
            document["types"]["EIP712Domain"].as_array_mut().unwrap().insert(1, version);
        }
        let digest = TypedDocument::parse(&document.to_string()).unwrap().digest();
        assert_eq!(Ok(digest), text(&entry, "digest").parse(), "{id}");
        assert_ne!(Ok(digest), text(first, "digest").parse(), "{id}");
        let recovered = recover(&digest, &signature).unwrap();
        assert_eq!(Address::parse(text(&entry, "signatureFromPermit01RecoversTo")), Ok(recovered), "{id}");
        assert_ne!(Address::parse(text(&entry, "mustNotEqual")), Ok(recovered), "{id}");
    }
}

#[test]
fn addresses_are_the_same_in_every_form() {
    for entry in entries(&load("tron-signing.json"), "addresses", 14) {
        let address = Address::parse(text(&entry, "base58")).unwrap();
        assert_eq!(entry["checksumOk"], true);
        assert_eq!(Address::parse(text(&entry, "hex41")), Ok(address));
        assert_eq!(Address::parse(text(&entry, "evm")), Ok(address));
        assert_eq!(address.to_string(), text(&entry, "base58"));
        assert_eq!(address.to_hex41(), text(&entry, "hex41"));
        assert_eq!(address.to_evm_hex(), text(&entry, "evm"));
    }
}

#[test]
fn messages_hash_and_sign_as_tip_191_says() {
    for entry in entries(&load("tron-signing.json"), "messages", 2) {
        let message = text(&entry, "message").as_bytes();
        assert_eq!(format!("0x{}", hex::encode(message)), text(&entry, "messageHex"));
        let digest = message::tip191(message);
        assert_eq!(Ok(digest), text(&entry, "hash").parse());
        assert_eq!(key(&entry).sign(&digest).to_hex(), text(&entry, "signature"));
        let signature = Signature::parse(text(&entry, "signature")).unwrap();
        let signer = recover(&digest, &signature).unwrap();
        assert_eq!(signer.to_string(), text(&entry, "signerTron"));
        assert_eq!(signer.to_string(), text(&entry, "verifyBack"));
    }
}

#[test]
fn words_give_the_keys_of_their_paths() {
    for (i, entry) in (0_u32..).zip(entries(&load("tron-signing.json"), "hd", 3)) {
        assert_eq!(text(&entry, "path"), format!("m/44'/195'/0'/0/{i}"));
        assert_eq!(text(&entry, "passphrase"), "");
        let derived = hd::derive(&Words::parse(text(&entry, "mnemonic")).unwrap(), i).unwrap();
        assert_eq!(derived.address().to_string(), text(&entry, "address"));
        // A key can't be read back; that it signs like the published one is the same thing.
        let digest = Digest::from_bytes([9; 32]);
        assert_eq!(derived.sign(&digest), key(&entry).sign(&digest));
    }
}

#[test]
fn transactions_are_built_read_and_signed_byte_for_byte() {
    for entry in entries(&load("tron-signing.json"), "transactions", 3) {
        let id = text(&entry, "id");
        let raw = RawTransaction::from_hex(text(&entry, "raw_data_hex")).unwrap_or_else(|e| panic!("{id}: {e}"));
        assert_eq!(raw.to_hex(), text(&entry, "raw_data_hex"), "{id}");
        assert_eq!(raw.id().to_string(), text(&entry, "txID"), "{id}");
        assert_eq!(raw.to_json(), entry["raw_data"], "{id}");
        assert_eq!(RawTransaction::from_json(&entry).as_ref(), Ok(&raw), "{id}");
        assert_eq!(raw.owner().to_string(), text(&entry, "signer"), "{id}");
        match (&raw.contract, id) {
            (Contract::Transfer { to, amount_sun, .. }, "trx-transfer") => {
                assert_eq!((to.to_string().as_str(), *amount_sun), ("TLEaY8XoqpBmndLsjcfThgdKLN1ssNuUcF", 1_500_000));
            }
            (Contract::Trigger { data, .. }, "trc20-transfer") => {
                let to = Address::parse("TLEaY8XoqpBmndLsjcfThgdKLN1ssNuUcF").unwrap();
                let amount = Amount::from_u64(1_000_000);
                assert_eq!(abi::decode_call(data), Some(Call::Transfer { to, amount }));
                assert_eq!(&abi::transfer(to, amount), data);
            }
            (Contract::Trigger { data, .. }, "trc20-approve-exact") => {
                let spender = tron::registry::deployments(Network::Nile).payment_permit;
                let amount = Amount::from_u64(1_100_000);
                assert_eq!(abi::decode_call(data), Some(Call::Approve { spender, amount }));
                assert_eq!(&abi::approve(spender, amount), data);
            }
            other => panic!("{id} is read as {other:?}"),
        }

        let signed = SignedTransaction::sign(raw, &key(&entry));
        assert_eq!(hex::encode(signed.signatures[0].to_bytes()), text(&entry, "signature"), "{id}");
        assert_eq!(signed.to_hex(), text(&entry, "signedTransactionHex"), "{id}");
        assert_eq!(SignedTransaction::from_hex(text(&entry, "signedTransactionHex")).as_ref(), Ok(&signed), "{id}");
        assert_eq!(SignedTransaction::from_json(&signed.to_json()).as_ref(), Ok(&signed), "{id}");
        assert_eq!(signed.signer().map(|a| a.to_hex41()).as_deref(), Ok(text(&entry, "recovers")), "{id}");
    }
}

#[test]
fn type_hashes_are_the_published_ones() {
    for entry in entries(&load("protocol.json"), "typeHashes", 8) {
        assert_eq!(keccak(text(&entry, "encodeType")), bytes32(text(&entry, "typeHash")), "{}", text(&entry, "name"));
    }
}

#[test]
fn a_channel_its_voucher_and_its_deposit_have_the_published_digests() {
    let file = load("protocol.json");
    let types: Vec<_> = entries(&file, "typeHashes", 8).iter().map(|e| text(e, "encodeType").to_owned()).collect();
    let mut channel_id = String::new();
    for entry in entries(&file, "channel", 3) {
        let name = text(&entry, "name");
        let document = entry["document"].to_string().replace("{channelId}", &format!("0x{channel_id}"));
        let document = TypedDocument::parse(&document).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(document.digest().to_string(), text(&entry, "digest"), "{name}");
        assert!(types.iter().any(|t| t == document.encode_type()), "{name}");
        if channel_id.is_empty() {
            channel_id = document.digest().to_string();
        }
    }
}
