//! Making one payment's signature and checking one, in memory, beside what others take for the same bytes in the same
//! run: libsecp256k1, tronweb and the Python agent wallet. Asserts only that all of them sign the same.
#![allow(clippy::float_arithmetic, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod figures;

use figures::{Figure, Times};
use k256::ecdsa::{RecoveryId, VerifyingKey};
use secp256k1::ecdsa::RecoverableSignature;
use secp256k1::{Message, SecretKey};
use serde_json::{Value, json};
use std::hint::black_box;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use stories::{Ask, START, WORDS, key, passphrase};
use tron::{Network, PrivateKey};
use x402::{Offer, Payment};

const ROUNDS: usize = 3000;

fn main() {
    let (buyer, ask) = (key(0x42), Ask::new(1));
    let now = START.secs();
    let fee = x402::Fee { to: key(0xfa).address(), amount: ask.fee, caller: Some(key(0xfa).address()) };
    let price = x402::Price::exact_permit(Network::Nile, ask.token, ask.price, ask.pay_to, fee);
    let meta = x402::exact_permit::Meta::payment_only([7; 16], x402::U256::from(1), now - 60, now + 600);
    let required =
        x402::PaymentRequired { prices: vec![price], permit: Some(meta), ..x402::PaymentRequired::new(&ask.url) };
    let text = required.header_value();
    let offer = Offer::read(&text).unwrap();
    let option = &offer.options[0];
    let terms = option.terms.as_ref().unwrap();
    let authorization = terms.authorize(buyer.address()).unwrap();
    let digest = authorization.digest;

    let message = Message::from_digest(*digest.bytes());
    let secret = SecretKey::from_secret_bytes(**buyer.reveal()).unwrap();
    let native = || Times::of(ROUNDS, || RecoverableSignature::sign_ecdsa_recoverable(black_box(message), &secret));
    // A processor that idled takes a while to come up to speed: the first round is nobody's figure.
    native();
    let theirs = native().median();
    let bare = Times::of(ROUNDS, || buyer.sign(black_box(&digest))).median();
    let whole = Times::of(ROUNDS, || sign(terms, &buyer)).median();
    let header = || {
        let authorization = terms.authorize(buyer.address()).unwrap();
        authorization.payment(&offer, option, &buyer.sign(&authorization.digest)).header_value()
    };

    let native = "libsecp256k1, recoverable signature, blinded anew";
    Figure::new("sign", "sign 32 bytes (k256, RFC 6979)", bare, "µs").times_of(native, theirs, None);
    let name = "exact_permit: hash and sign";
    Figure::new("sign", name, whole, "µs").times_of(native, theirs, Some(2.2));
    let document = authorization.typed_data();
    for (peer, goal) in [(tronweb as fn(&Value) -> Option<Value>, 35.0), (agent_wallet, 14.0)] {
        let asked = json!({ "typedData": document, "privateKey": hex::encode(**buyer.reveal()), "rounds": 400 });
        let said = peer(&asked).expect("the published packages are installed by `cargo xtask setup`");
        assert_eq!(
            said["signature"].as_str().unwrap().trim_start_matches("0x"),
            sign(terms, &buyer).to_hex().trim_start_matches("0x")
        );
        let micros = said["micros"].as_f64().unwrap();
        Figure::new("sign", name, whole, "µs").faster_than(said["name"].as_str().unwrap(), micros, goal);
    }
    Figure::new("sign", "exact_permit: hash, sign, write the header", Times::of(ROUNDS, &header).median(), "µs");
    Figure::new("sign", "read a 402 from its header", Times::of(ROUNDS, || Offer::read(&text).unwrap()).median(), "µs");

    let (header, signature) = (header(), buyer.sign(&digest));
    let bare = Times::of(ROUNDS, || tron::recover(black_box(&digest), &signature).unwrap()).median();
    let (id, bytes) = (RecoveryId::from_byte(signature.v() - 27).unwrap(), signature.to_bytes());
    let ecdsa = k256::ecdsa::Signature::from_slice(&bytes[..64]).unwrap();
    let by_k256 = || VerifyingKey::recover_from_prehash(black_box(digest.bytes()), &ecdsa, id).unwrap();
    let theirs = Times::of(ROUNDS, by_k256).median();
    Figure::new("sign", "recover a signer (libsecp256k1)", bare, "µs").times_of("k256, recovery", theirs, None);
    let check = || {
        let payment = Payment::read(&header).unwrap();
        x402::exact_permit::check(&payment, option, now).unwrap()
    };
    assert_eq!(check(), buyer.address());
    let whole = Times::of(ROUNDS, check).median();
    Figure::new("sign", "exact_permit: read the header, hash, check", whole, "µs").times_of(
        "recovery alone",
        bare,
        None,
    );
    unlock();
}

fn sign(terms: &x402::Terms, buyer: &PrivateKey) -> tron::Signature {
    let authorization = terms.authorize(buyer.address()).unwrap();
    buyer.sign(&authorization.digest)
}

/// One guess at the passphrase, at the product's cost.
fn unlock() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vault.json");
    drop(vault::Vault::create(&path, &tron::hd::Words::parse(WORDS).unwrap(), &passphrase()).unwrap());
    let vault = vault::Vault::open(&path).unwrap();
    let median = Times::of(9, || vault.unlock(&passphrase()).unwrap()).median();
    Figure::new("sign", "vault: unlock (Argon2id, 64 MiB)", median / 1000.0, "ms");
}

fn tronweb(asked: &Value) -> Option<Value> {
    said("node".into(), "tronweb/sign.mjs", asked)
}

fn agent_wallet(asked: &Value) -> Option<Value> {
    said(root().join(".venv/bin/python"), "bankofai-py/sign.py", asked)
}

/// What a program below tests/peers answers to one JSON document.
fn said(program: PathBuf, script: &str, asked: &Value) -> Option<Value> {
    let mut peer = Command::new(program);
    peer.arg(root().join("tests/peers").join(script)).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut peer = peer.spawn().ok()?;
    peer.stdin.take()?.write_all(asked.to_string().as_bytes()).ok()?;
    serde_json::from_slice(&peer.wait_with_output().ok()?.stdout).ok()
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}
