//! What comes as bytes in hex: signatures, transactions, contract calls, 32-byte values; and addresses.

use super::lines::{self, Around, Lines};
use super::odd::{self, GOOD, NOTE, STOP, WARN, found};
use super::payments;
use super::shapes::{KindView, PartView, TriedView};
use crate::FindingView;
use plan::Moment;
use tron::abi::{self, Call};
use tron::tx::{Contract, TxError};
use tron::{Address, Amount, Network, RawTransaction, Signature, SignedTransaction, token};

/// A fee limit above this many TRX is worth a look: settlements burn 5 to 30.
const FEE_LIMIT_SUN: u64 = 150_000_000;
/// Allowances from here on are "unlimited", whatever the exact number: SDKs write 2^160 − 1 and 2^256 − 1.
const UNLIMITED_BITS: usize = 128;

pub(super) fn signature(text: &str) -> (PartView, Option<Signature>) {
    let mut lines = Lines::default();
    let mut findings = Vec::new();
    lines.group("signature");
    let signature = payments::parts(&mut lines, text, &mut findings);
    if signature.is_some() {
        findings.push(found("signatureAlone", NOTE, &[]));
    }
    let title = "A signature (65 bytes).".to_owned();
    let view = PartView { findings, groups: lines.done(), ..super::part(KindView::Signature, title, "") };
    (view, signature)
}

pub(super) fn hash(text: &str) -> PartView {
    let mut lines = Lines::default();
    lines.group("value");
    lines.add("hash", text);
    let title = "32 bytes: a transaction's id, a digest or a nonce. Nothing in them tells which.".to_owned();
    let findings = vec![found("hashAlone", NOTE, &[])];
    PartView { findings, groups: lines.done(), ..super::part(KindView::Hash, title, "") }
}

pub(super) fn address(address: Address) -> PartView {
    let mut lines = Lines::default();
    lines.group("address");
    lines.add("base58", address);
    lines.add("hex-evm", address.to_evm_hex());
    lines.add("hex-41", address.to_hex41());
    let mut findings = Vec::new();
    lines.group("known as");
    for network in Network::ALL {
        if let Some(name) = lines::named(network, address) {
            let line = lines.add(network.label(), name);
            if let Some(token) = token::lookup(network, address) {
                line.remark(format!("{} decimals", token.decimals));
            }
        }
        if let Some(role @ tron::registry::Role::Superseded(_)) = tron::registry::role(network, address) {
            findings.push(found("contractSuperseded", STOP, &[("what", &lines::role_name(role))]));
        }
    }
    if address.is_zero() {
        findings.push(found("addressZero", WARN, &[]));
    } else if Network::ALL.into_iter().all(|n| lines::named(n, address).is_none()) {
        findings.push(found("addressUnknown", NOTE, &[]));
    }
    let title = "A TRON address; its checksum is right.".to_owned();
    PartView { findings, groups: lines.done(), ..super::part(KindView::Address, title, "") }
}

/// A transaction: signed, or its raw data alone.
pub(super) enum Transaction {
    Signed(Box<SignedTransaction>),
    Raw(Box<RawTransaction>),
}

impl Transaction {
    pub fn raw(&self) -> &RawTransaction {
        match self {
            Self::Signed(signed) => &signed.raw,
            Self::Raw(raw) => raw,
        }
    }

    pub fn from_hex(text: &str) -> Result<Self, TxError> {
        match SignedTransaction::from_hex(text) {
            Ok(signed) => Ok(Self::Signed(Box::new(signed))),
            Err(signed) => match RawTransaction::from_hex(text) {
                Ok(raw) => Ok(Self::Raw(Box::new(raw))),
                // The more telling of the two: raw data begins with field 1 of two bytes, a transaction is longer there.
                Err(raw) => Err(if text.trim_start_matches("0x").starts_with("0a02") { raw } else { signed }),
            },
        }
    }

    pub fn from_json(json: &serde_json::Value) -> Result<Self, TxError> {
        match json.get("signature") {
            Some(_) => SignedTransaction::from_json(json).map(|signed| Self::Signed(Box::new(signed))),
            None => RawTransaction::from_json(json).map(|raw| Self::Raw(Box::new(raw))),
        }
    }
}

pub(super) fn transaction(transaction: &Transaction, now: Option<Moment>) -> PartView {
    let mut lines = Lines::default();
    let mut findings = Vec::new();
    let raw = transaction.raw();
    let around = Around { now, ..Around::default() };
    lines.group("transaction");
    lines.add("transaction", raw.id());
    lines.address("owner", raw.owner(), around);
    let what = match &raw.contract {
        Contract::Transfer { to, amount_sun, .. } => {
            lines.address("payee", *to, around);
            lines.add("amount", format!("{} TRX", Amount::from_u64(*amount_sun).format_units(6))).also(amount_sun);
            "that moves TRX".to_owned()
        }
        Contract::Trigger { contract, call_value_sun, data, .. } => {
            let names = || Network::ALL.into_iter().find(|n| lines::named(*n, *contract).is_some());
            let around = Around { network: names(), token: Some(*contract), now };
            lines.address("called-contract", *contract, around);
            if *call_value_sun > 0 {
                lines.add("call-value", format!("{} TRX", Amount::from_u64(*call_value_sun).format_units(6)));
                findings.push(found("callValue", WARN, &[]));
            }
            format!("that calls {}", call(&mut lines, data, around, &mut findings))
        }
    };
    lines.group("limits");
    lines
        .add("fee-limit", format!("{} TRX", Amount::from_u64(raw.fee_limit_sun).format_units(6)))
        .also(raw.fee_limit_sun);
    lines.time("expiration", raw.expiration_ms / 1000, around, true);
    lines.time("timestamp", raw.timestamp_ms / 1000, Around::default(), false);
    lines.add("ref-block", format!("{} {}", payments::hex(&raw.ref_block_bytes), payments::hex(&raw.ref_block_hash)));
    if raw.fee_limit_sun > FEE_LIMIT_SUN {
        findings.push(found("feeLimitHigh", WARN, &[]));
    }
    if now.is_some_and(|now| raw.expiration_ms / 1000 <= now.secs()) {
        findings.push(found("transactionExpired", NOTE, &[]));
    }
    let signed = match transaction {
        Transaction::Raw(_) => "without a signature",
        Transaction::Signed(signed) => {
            lines.group("signature");
            match signed.signer() {
                Ok(signer) if signer == raw.owner() => {
                    lines.address("signer", signer, around).also_remark("the owner").weight(GOOD);
                    findings.push(found("signerFits", GOOD, &[("signer", &signer.to_string())]));
                }
                Ok(signer) => {
                    lines.address("signer", signer, around).also_remark("not the owner").weight(STOP);
                    let (signer, owner) = (signer.to_string(), raw.owner().to_string());
                    findings.push(found("signerDiffers", STOP, &[("signer", &signer), ("expected", &owner)]));
                }
                Err(e) => {
                    lines.add("signer", "can't be recovered").remark(e.to_string()).weight(WARN);
                    findings.push(found("signerUnknown", WARN, &[]));
                }
            }
            "signed"
        }
    };
    let json = match transaction {
        Transaction::Signed(signed) => signed.to_json(),
        Transaction::Raw(raw) => raw.to_json(),
    };
    PartView {
        findings: odd::sorted(findings),
        groups: lines.done(),
        ..super::part(KindView::Transaction, format!("A TRON transaction {what}, {signed}."), &json.to_string())
    }
}

/// Call data without its transaction; `None` when no call is known by it.
pub(super) fn call_data(data: &[u8], now: Option<Moment>) -> Option<PartView> {
    let mut lines = Lines::default();
    let mut findings = Vec::new();
    lines.group("call");
    abi::decode_call(data).map(|_| ()).or_else(|| x402::decode_call(data).map(|_| ()))?;
    let name = call(&mut lines, data, Around { now, ..Around::default() }, &mut findings);
    let title = format!("Input of a contract call: {name}.");
    let findings = odd::sorted(findings);
    Some(PartView { findings, groups: lines.done(), ..super::part(KindView::CallData, title, "") })
}

/// Tells the call's arguments; answers its name.
fn call(lines: &mut Lines, data: &[u8], around: Around, findings: &mut Vec<FindingView>) -> String {
    if let Some(call) = abi::decode_call(data) {
        lines.group("call");
        return match call {
            Call::Approve { spender, amount } => {
                lines.add("function", "approve");
                lines.address("spender", spender, Around { token: None, ..around });
                if amount.u256().bit_len() > UNLIMITED_BITS {
                    lines.add("allowance", "without limit").also(amount).weight(STOP);
                    findings.push(found("allowanceUnlimited", STOP, &[]));
                } else {
                    lines.amount("allowance", amount, around);
                }
                "approve (an allowance)".to_owned()
            }
            Call::Transfer { to, amount } => {
                lines.add("function", "transfer");
                lines.address("payee", to, around);
                lines.amount("amount", amount, around);
                "transfer (a TRC-20 transfer)".to_owned()
            }
            Call::TransferFrom { from, to, amount } => {
                lines.add("function", "transferFrom");
                lines.address("payer", from, around);
                lines.address("payee", to, around);
                lines.amount("amount", amount, around);
                "transferFrom (a TRC-20 transfer by allowance)".to_owned()
            }
        };
    }
    lines.group("call");
    if let Some(known) = x402::decode_call(data) {
        lines.add("function", known.name);
        let token = known.facts.iter().find(|fact| fact.key == "token").and_then(|f| Address::parse(&f.value).ok());
        lines.explained(&known.facts, Around { token: token.or(around.token), ..around });
        return known.name.to_owned();
    }
    let selector = data.get(..4).map_or_else(|| "none".to_owned(), payments::hex);
    lines.add("selector", &selector).remark("not a call that is known").weight(WARN);
    lines.add("call-data", payments::hex(data));
    findings.push(found("callUnknown", WARN, &[("selector", &selector)]));
    format!("a function that is not known ({selector})")
}

pub(super) fn tried(what: &str, error: &TxError) -> TriedView {
    let (field, found, expected) = match error {
        TxError::Field { field, found, expected } => (*field, found.clone(), (*expected).to_owned()),
        other => ("transaction", other.to_string(), "a TRON transaction as this program reads it".to_owned()),
    };
    super::tried(what, field, &found, &expected)
}
