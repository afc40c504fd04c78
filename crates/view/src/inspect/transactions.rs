//! Transactions of every kind that TRON has, told member by member: what they do, who signed, where their readable half
//! says another thing than their bytes, and why no node would take them.

use super::calls;
use super::lines::{Around, Lines};
use super::odd::{self, GOOD, NOTE, STOP, WARN, found};
use super::payments;
use super::shapes::{KindView, PartView};
use crate::FindingView;
use crate::WeightView;
use crate::question::quoted;
use crate::show_payment;
use crate::words::{Arg, duration, find};
use plan::Moment;
use tron::foreign::schema::Kind;
use tron::foreign::{Difference, ForeignTransaction, Message, Signed, Value, contract_of_url};
use tron::{Address, Amount, Network, Signature};

/// A fee limit above this many TRX is worth a look: settlements burn 5 to 30.
const FEE_LIMIT_SUN: u64 = 150_000_000;
/// Differing members that are a finding each; all of them are lines.
const TOLD: usize = 6;
/// Contracts, permissions and signatures that are told one by one. A node takes fewer of each.
const MANY: usize = 24;

pub(super) fn transaction(tx: &ForeignTransaction, now: Option<Moment>) -> PartView {
    card(tx, Around { now, ..Around::default() }, false)
}

/// What counts only before a transaction is in a block: it speaks of what is still to be signed or sent.
pub(super) const BEFORE: &[&str] =
    &["neverMade", "feeLimitZero", "transactionExpired", "plainV", "signerForeign", "permissionUsed"];

/// A transaction that a node of this network has. In a block, what only counts before that is left out.
pub(super) fn known(tx: &ForeignTransaction, network: Network, in_block: bool) -> PartView {
    card(tx, Around { network: Some(network), ..Around::default() }, in_block)
}

/// What it does, in a few words.
pub(super) fn brief(tx: &ForeignTransaction) -> String {
    let (mut lines, mut findings) = (Lines::default(), Vec::new());
    let does = tx.contracts().take(TOLD).map(|one| contract(&mut lines, one, tx, Around::default(), &mut findings));
    quoted(&does.collect::<Vec<_>>().join(" and "), 200)
}

fn card(tx: &ForeignTransaction, around: Around, in_block: bool) -> PartView {
    let mut lines = Lines::default();
    let mut findings = Vec::new();
    lines.group("transaction");
    match (tx.id, &tx.claimed) {
        (Some(id), _) => {
            lines.add("transaction", id);
        }
        (None, Some(claimed)) => {
            lines.add("transaction", claimed).remark("claimed; nothing here proves it").weight(WARN);
        }
        (None, None) => {}
    }
    if tx.id.is_none() {
        findings.push(found("noBytes", WARN, &[]));
    }
    let count = tx.contracts().count();
    let mut does = Vec::new();
    for (index, contract) in tx.contracts().take(MANY).enumerate() {
        if count > 1 {
            lines.group(format!("contract {} of {count}", index + 1));
        }
        does.push(self::contract(&mut lines, contract, tx, around, &mut findings));
    }
    memo(&mut lines, tx, &mut findings);
    limits(&mut lines, tx, around, in_block, &mut findings);
    halves(&mut lines, tx, &mut findings);
    let signed = signatures(&mut lines, tx, around, in_block, &mut findings);
    for reason in super::refused::reasons(tx).into_iter().filter(|_| !in_block) {
        findings.push(found("notTaken", WARN, &[("reason", &reason)]));
    }
    for unusual in tx.unusual.iter().take(TOLD) {
        findings.push(found("unusualBytes", WARN, &[("what", unusual)]));
    }
    let result = tx.result.as_ref().filter(|result| !matches!(result.as_str(), "SUCCESS" | "DEFAULT"));
    if let Some(result) = result.filter(|_| !in_block) {
        findings.push(found("endedBadly", STOP, &[("result", result)]));
    }
    if in_block {
        findings.retain(|one| !BEFORE.contains(&one.code.as_str()));
    }
    let title = format!("A TRON transaction that {}, {signed}.", does.join(" and "));
    PartView {
        findings: odd::sorted(findings),
        groups: lines.done(),
        ..super::part(KindView::Transaction, title, &tx.to_json().to_string())
    }
}

/// Tells one contract; answers what it does.
fn contract(
    lines: &mut Lines,
    contract: &Message,
    tx: &ForeignTransaction,
    around: Around,
    findings: &mut Vec<FindingView>,
) -> String {
    let named = contract.message("parameter").and_then(contract_of_url);
    let kind = contract.contract_type().or(named);
    let name = kind.map_or_else(|| "not known".to_owned(), |kind| kind.name.to_owned());
    lines.add("contract-type", &name).also(contract.int("type"));
    let permission = contract.int("Permission_id");
    if permission != 0 {
        lines.add("permission-id", permission).remark("not the owner's own permission");
        findings.push(found("permissionUsed", NOTE, &[("permission", &permission.to_string())]));
    }
    let ours = matches!(name.as_str(), "TransferContract" | "TriggerSmartContract") && permission == 0;
    if !ours || !tx.raw.bytes("data").is_empty() {
        findings.push(found("neverMade", NOTE, &[("type", &name)]));
    }
    for extra in ["provider", "ContractName"] {
        if !contract.bytes(extra).is_empty() {
            lines.add(extra, payments::hex(contract.bytes(extra))).remark("nodes do nothing with it");
        }
    }
    let Some(value) = contract.parameter() else {
        return find(&format!("does-{name}"), &[]).unwrap_or_else(|| format!("does what is not known here ({name})"));
    };
    let sum = |name: &str| trx(value.int(name));
    let resource = if value.int("resource") == 0 { "bandwidth" } else { "energy" };
    let sums = [sum("amount"), sum("frozen_balance"), sum("unfreeze_balance"), sum("balance"), resource.to_owned()];
    let names = ["amount", "stake", "ended", "lent", "resource"];
    let args: Vec<(&str, Arg<'_>)> = names.into_iter().zip(sums.iter().map(|sum| Arg::Text(sum))).collect();
    let does = find(&format!("does-{}", value.schema.name), &args);
    match value.schema.name {
        "TriggerSmartContract" => return trigger(lines, value, around, findings),
        "AccountPermissionUpdateContract" => permissions(lines, value, around, findings),
        _ => members(lines, value, around, NESTED),
    }
    lasting(value, findings);
    does.unwrap_or_else(|| format!("does what {name} does"))
}

/// What lasts, can't be taken back or costs much beside energy, by the type of contract.
const LASTING: &[(&str, &str, WeightView)] = &[
    ("UpdateSettingContract", "energyShare", WARN),
    ("UpdateEnergyLimitContract", "energyLimit", WARN),
    ("ClearABIContract", "abiCleared", WARN),
    ("UpdateBrokerageContract", "brokerageChanged", WARN),
    ("CreateSmartContract", "contractMade", WARN),
    ("WitnessCreateContract", "witnessMade", WARN),
    ("AssetIssueContract", "assetIssued", WARN),
    ("ExchangeCreateContract", "exchangeMade", WARN),
    ("ParticipateAssetIssueContract", "assetBought", WARN),
    ("SetAccountIdContract", "namedForEver", NOTE),
    ("AccountUpdateContract", "namedForEver", NOTE),
    ("FreezeBalanceV2Contract", "stakeLocks", NOTE),
    ("FreezeBalanceContract", "stakeLocks", NOTE),
    ("UnfreezeBalanceV2Contract", "stakeEnds", NOTE),
    ("ProposalCreateContract", "rulesProposed", WARN),
];

/// Three seconds a block; where a lock names no length, three days.
const BLOCK_SECONDS: u64 = 3;
const LOCK_BLOCKS: u64 = 86_400;

fn lasting(value: &Message, findings: &mut Vec<FindingView>) {
    let name = value.schema.name;
    if let Some((_, code, weight)) = LASTING.iter().find(|(own, ..)| *own == name) {
        findings.push(found(code, *weight, &[]));
    }
    if name == "DelegateResourceContract" {
        let receiver = value.address("receiver_address").map_or_else(|| "nobody".to_owned(), |to| to.to_string());
        let blocks = u64::try_from(value.int("lock_period")).ok().filter(|blocks| *blocks > 0).unwrap_or(LOCK_BLOCKS);
        let time = duration(blocks.saturating_mul(BLOCK_SECONDS));
        let args = [("receiver", receiver.as_str()), ("time", &time)];
        findings.push(match value.int("lock") {
            0 => found("resourceLent", NOTE, &args),
            _ => found("resourceLocked", STOP, &args),
        });
    }
}

/// Messages inside messages that are told in lines of their own.
const NESTED: usize = 3;

/// Every member by its kind.
pub(super) fn members(lines: &mut Lines, message: &Message, around: Around, depth: usize) {
    for entry in &message.entries {
        let key = match entry.field.name {
            "owner_address" | "transparent_from_address" => "owner".to_owned(),
            "to_address" | "transparent_to_address" => "payee".to_owned(),
            "contract_address" => "called-contract".to_owned(),
            "origin_address" => "made-by".to_owned(),
            "description" => "own-description".to_owned(),
            "name" => "claimed-name".to_owned(),
            name => name.replace('_', "-"),
        };
        let value = &entry.value;
        match (entry.field.kind, value) {
            (Kind::Address, Value::Bytes(bytes)) => match Address::from_bytes21(bytes) {
                Ok(address) => {
                    lines.address(&key, address, around);
                }
                Err(e) => {
                    lines.add(&key, payments::hex(bytes)).remark(e.to_string()).weight(WARN);
                }
            },
            (Kind::Millis, Value::Int(ms)) => {
                lines.time(&key, u64::try_from(*ms).unwrap_or(0) / 1000, Around::default(), false);
            }
            (Kind::Sun, Value::Int(sun)) => {
                lines.add(&key, trx(*sun)).also(sun);
            }
            (Kind::Message(_), Value::Message(inner)) if inner.schema.name == "abi" => {
                let named = inner.messages("entrys").filter_map(|entry| entry.get("name"));
                let names: Vec<String> = named.take(TOLD).map(|name| name.tell(None)).collect();
                let count = inner.messages("entrys").count();
                lines.add("functions", names.join(", ")).remark(format!("{count} entries, by its own description"));
            }
            (Kind::Message(_), Value::Message(inner)) if inner.schema.name == "vote" => {
                let count = format!("{} votes", inner.int("vote_count"));
                match inner.address("vote_address") {
                    Some(address) => lines.address("vote", address, around).also_remark(count),
                    None => lines.add("vote", payments::hex(inner.bytes("vote_address"))).remark(count).weight(WARN),
                };
            }
            (Kind::Message(_), Value::Message(inner)) if depth > 0 && !entry.field.many => {
                members(lines, inner, around, depth - 1);
            }
            (Kind::Message(_) | Kind::Parameter, Value::Message(_)) => {
                lines.add(&key, value.tell(None));
            }
            (kind, value) => {
                lines.add(&key, value.tell(Some(kind)));
            }
        }
    }
    // Bytes leave out what is zero, and some zeros say much: bandwidth is resource 0.
    for name in ["resource", "consume_user_resource_percent", "origin_energy_limit", "brokerage"] {
        let field = message.schema.fields.iter().find(|field| field.name == name);
        if let Some(field) = field.filter(|_| message.get(name).is_none()) {
            lines.add(&name.replace('_', "-"), Value::Int(0).tell(Some(field.kind)));
        }
    }
    for (name, value) in &message.strange {
        lines.add(name, value).remark("not of the protocol").weight(WARN);
    }
}

fn trigger(lines: &mut Lines, value: &Message, around: Around, findings: &mut Vec<FindingView>) -> String {
    let called = value.address("contract_address");
    let token = Around { network: called.and_then(calls::network_of), token: called, ..around };
    for (key, name) in [("owner", "owner_address"), ("called-contract", "contract_address")] {
        match value.address(name) {
            Some(address) => {
                lines.address(key, address, token);
            }
            None => {
                lines.add(key, payments::hex(value.bytes(name))).remark("no address").weight(WARN);
            }
        }
    }
    let sent = value.int("call_value");
    if sent != 0 {
        lines.add("call-value", trx(sent)).also(sent);
        findings.push(found("callValue", WARN, &[]));
    }
    let tokens = value.int("call_token_value");
    if tokens != 0 {
        lines.add("call-token-value", tokens).remark(format!("of the TRC-10 token {}", value.int("token_id")));
        findings.push(found("callTokenValue", WARN, &[]));
    }
    format!("calls {}", calls::call(lines, value.bytes("data"), token, findings))
}

/// Who rules the account afterwards.
fn permissions(lines: &mut Lines, value: &Message, around: Around, findings: &mut Vec<FindingView>) {
    let owner = value.address("owner_address");
    if let Some(owner) = owner {
        lines.address("owner", owner, around);
    }
    let mut rulers = Vec::new();
    let all = [("owner permission", value.message("owner")), ("witness permission", value.message("witness"))];
    let all = all.into_iter().filter_map(|(name, permission)| Some((name.to_owned(), permission?)));
    let actives =
        value.messages("actives").take(MANY).enumerate().map(|(i, one)| (format!("active permission {}", i + 1), one));
    for (name, permission) in all.chain(actives) {
        lines.group(name.clone());
        for ruler in self::permission(lines, permission, owner, around, STOP) {
            if !rulers.contains(&ruler) {
                rulers.push(ruler);
            }
        }
    }
    let own = |permission: &Message| {
        let weights = permission.messages("keys").filter(|key| key.address("address") == owner);
        weights.map(|key| key.int("weight")).fold(0, i64::saturating_add) >= permission.int("threshold")
    };
    let kept = owner.is_some() && value.message("owner").is_some_and(own);
    let rulers = if rulers.is_empty() { "its own key alone".to_owned() } else { rulers.join(", ") };
    let code = if kept { "permissionsChanged" } else { "accountGiven" };
    findings.push(found(code, STOP, &[("rulers", &rulers)]));
}

/// One permission in the group that is open; answers the keys that are not the account's own, which weigh `foreign`.
pub(super) fn permission(
    lines: &mut Lines,
    permission: &Message,
    owner: Option<Address>,
    around: Around,
    foreign: WeightView,
) -> Vec<String> {
    let mut rulers = Vec::new();
    lines.maybe("permission-name", permission.get("permission_name").map(|name| name.tell(None)));
    lines.add("threshold", permission.int("threshold")).remark("weights that have to sign together");
    for key in permission.messages("keys") {
        let Some(address) = key.address("address") else {
            lines.add("key", payments::hex(key.bytes("address"))).remark("no address").weight(WARN);
            continue;
        };
        let line = lines.address("key", address, around).also_remark(format!("weight {}", key.int("weight")));
        if Some(address) == owner {
            line.also_remark("the account's own key");
        } else {
            line.also_remark("another key").weight(foreign);
            rulers.push(address.to_string());
        }
    }
    let operations = permission.bytes("operations");
    if !operations.is_empty() {
        let line = lines.add("operations", super::refused::operations(operations).join(", "));
        if super::refused::may_change_permissions(operations) {
            line.remark("it may also change who signs for the account").weight(WARN);
        }
    }
    for (name, value) in &permission.strange {
        lines.add(name, value).remark("not of the protocol").weight(WARN);
    }
    rulers
}

fn memo(lines: &mut Lines, tx: &ForeignTransaction, findings: &mut Vec<FindingView>) {
    let memo = tx.raw.bytes("data");
    if !memo.is_empty() {
        let text = std::str::from_utf8(memo).map_or_else(|_| payments::hex(memo), str::to_owned);
        lines.add("memo", &text).also(payments::hex(memo));
        findings.push(found("memo", NOTE, &[("memo", &text)]));
    }
    for extra in ["auths", "scripts", "ref_block_num"] {
        for value in tx.raw.all(extra) {
            lines.add(extra, value.tell(None)).remark("nodes do nothing with it");
        }
    }
    for (name, value) in &tx.raw.strange {
        lines.add(name, value).remark("not of the protocol").weight(WARN);
    }
}

fn limits(lines: &mut Lines, tx: &ForeignTransaction, around: Around, in_block: bool, findings: &mut Vec<FindingView>) {
    lines.group("limits");
    let raw = &tx.raw;
    let limit = raw.int("fee_limit");
    lines.add("fee-limit", trx(limit)).also(limit);
    let seconds = |name: &str| u64::try_from(raw.int(name)).unwrap_or(0) / 1000;
    lines.time("expiration", seconds("expiration"), around, true);
    lines.time("timestamp", seconds("timestamp"), Around::default(), false);
    let block = [raw.bytes("ref_block_bytes"), raw.bytes("ref_block_hash")].map(payments::hex).join(" ");
    lines.add("ref-block", block);
    let runs = |contract: &Message| {
        contract.contract_type().is_some_and(|kind| matches!(kind.name, "TriggerSmartContract" | "CreateSmartContract"))
    };
    if limit == 0 && tx.contracts().any(runs) {
        findings.push(found("feeLimitZero", WARN, &[]));
    }
    if u64::try_from(limit).is_ok_and(|limit| limit > FEE_LIMIT_SUN) {
        findings.push(found("feeLimitHigh", WARN, &[]));
    }
    // In a block the chain's own outcome stands beside it.
    if let Some(result) = tx.result.as_ref().filter(|_| !in_block) {
        lines.add("result", result).remark("the node's word in this document");
    }
    if tx.result.is_none() && now_past(around.now, seconds("expiration")) {
        findings.push(found("transactionExpired", NOTE, &[]));
    }
}

fn now_past(now: Option<Moment>, expiration: u64) -> bool {
    now.is_some_and(|now| expiration <= now.secs())
}

/// Where the readable half says another thing than the bytes.
fn halves(lines: &mut Lines, tx: &ForeignTransaction, findings: &mut Vec<FindingView>) {
    if tx.differences.is_empty() {
        return;
    }
    lines.group("what is said, and what the bytes are");
    for Difference { path, kind, said, bytes } in &tx.differences {
        let (said, bytes) = (told(said.as_ref(), *kind), told(bytes.as_ref(), *kind));
        lines.add("said", &said).label(path).remark(format!("the bytes: {bytes}")).weight(STOP);
    }
    for Difference { path, kind, said, bytes } in tx.differences.iter().take(TOLD) {
        let (said, bytes) = (told(said.as_ref(), *kind), told(bytes.as_ref(), *kind));
        let code = if path == "txID" { "idDiffers" } else { "halvesDiffer" };
        findings.push(found(code, STOP, &[("member", path), ("said", &said), ("bytes", &bytes)]));
    }
}

fn told(value: Option<&Value>, kind: Option<Kind>) -> String {
    match (value, kind) {
        (None, Some(Kind::Sun)) => trx(0),
        (None, _) => "nothing".to_owned(),
        (Some(Value::Int(sun)), Some(Kind::Sun)) => trx(*sun),
        (Some(Value::Int(ms)), Some(Kind::Millis)) => {
            format!("{} ({ms} ms)", show_payment::seconds(u64::try_from(*ms).unwrap_or(0) / 1000))
        }
        (Some(value), kind) => value.tell(kind),
    }
}

/// Each signature with who made it; answers how it is signed.
fn signatures(
    lines: &mut Lines,
    tx: &ForeignTransaction,
    around: Around,
    in_block: bool,
    findings: &mut Vec<FindingView>,
) -> &'static str {
    let owner = tx.owner();
    let count = tx.signatures.len();
    let permission = tx.contracts().next().map_or(0, |contract| contract.int("Permission_id"));
    // "Holds" is said of bytes that nothing beside them contradicts.
    let proven = tx.id.is_some() && tx.differences.is_empty();
    if count > MANY {
        lines.group("signatures");
        lines.add("more", format!("{} more signatures", count - MANY)).remark("not told one by one");
    }
    for (index, signed) in tx.signatures.iter().take(MANY).enumerate() {
        match count {
            1 => lines.group("signature"),
            _ => lines.group(format!("signature {} of {count}", index + 1)),
        };
        let Some(signer) = signer(lines, signed, findings) else { continue };
        let again = tx.signatures.iter().take(index).any(|earlier| earlier.signer == Some(signer));
        let mut line = lines.address("signer", signer, around);
        if tx.id.is_none() {
            line = line.also_remark("over the id that is claimed");
        }
        let is_owner = Some(signer) == owner;
        if is_owner {
            line = line.also_remark("the owner");
        } else if in_block {
            line = line.also_remark("another key of the account");
            let (signer, permission) = (signer.to_string(), permission.to_string());
            findings.push(found("signerAllowed", NOTE, &[("signer", &signer), ("permission", &permission)]));
        } else {
            line = line.also_remark("not the owner").weight(WARN);
            let owner = owner.map_or_else(|| "not known".to_owned(), |owner| owner.to_string());
            findings.push(found("signerForeign", WARN, &[("signer", &signer.to_string()), ("owner", &owner)]));
        }
        if again {
            line.also_remark("the same key again").weight(STOP);
            findings.push(found("signedTwice", STOP, &[("signer", &signer.to_string())]));
        } else if is_owner && proven && permission == 0 {
            line.weight(GOOD);
            findings.push(found("signerFits", GOOD, &[("signer", &signer.to_string())]));
        }
    }
    match count {
        0 => "without a signature",
        1 => "signed",
        _ => "with several signatures",
    }
}

/// What is odd about one signature; answers who made it.
fn signer(lines: &mut Lines, signed: &Signed, findings: &mut Vec<FindingView>) -> Option<Address> {
    if signed.signature.is_none() {
        let reason = reason(&signed.text);
        lines.add("signature", &signed.text).remark(&reason).weight(STOP);
        findings.push(found("signatureBroken", STOP, &[("reason", &reason)]));
        return None;
    }
    if signed.plain_v {
        findings.push(found("plainV", NOTE, &[]));
    }
    if signed.signer.is_none() {
        lines.add("signer", "can't be recovered").weight(WARN);
        findings.push(found("noSigner", WARN, &[]));
    }
    signed.signer
}

/// Why a text is no signature of a transaction.
pub(super) fn reason(text: &str) -> String {
    match Signature::parse(text) {
        Err(tron::sign::SignatureError::RecoveryId { found }) => {
            format!("v is {found}, which is out of range: 27 or 28, in a transaction also 0 or 1")
        }
        Err(e) => e.to_string(),
        Ok(_) => String::new(),
    }
}

/// TRX in whole units. What is below zero, which no amount can be, stays as it was written.
pub(super) fn trx(sun: i64) -> String {
    match u64::try_from(sun) {
        Ok(sun) => format!("{} TRX", Amount::from_u64(sun).format_units(6)),
        Err(_) => format!("{sun} sun"),
    }
}
