//! Typed data (TIP-712): the domain, the hashes, and whether it is a payment that is known.

use super::lines::{Around, Lines};
use super::odd::{self, GOOD, NOTE, STOP, WARN, found};
use super::shapes::{KindView, PartView};
use plan::Moment;
use serde_json::Value;
use tron::registry::{self, Role};
use tron::typed::TypedDocument;
use tron::{Address, Amount, Network};

/// Values of a message that are told line by line.
const LEAVES: usize = 120;

/// A message that x402 on TRON knows, by the `encodeType` of its primary type.
struct Known {
    encode: &'static str,
    what: &'static str,
    /// The member that has to have signed.
    signer: Option<&'static str>,
    /// The contract that it has to be for; `None`: the token itself.
    role: Option<Role>,
}

const KNOWN: [Known; 10] = [
    Known {
        encode: "PaymentPermitDetails(PermitMeta meta,address buyer,address caller,Payment payment,Fee fee)Fee(address feeTo,uint256 feeAmount)Payment(address payToken,uint256 payAmount,address payTo)PermitMeta(uint8 kind,bytes16 paymentId,uint256 nonce,uint256 validAfter,uint256 validBefore)",
        what: "a payment by exact_permit (PaymentPermit)",
        signer: Some("buyer"),
        role: Some(Role::PaymentPermit),
    },
    Known {
        encode: "PaymentPermitDetails(PermitMeta meta,address buyer,address caller,Payment payment,Fee fee,Delivery delivery)Delivery(address receiveToken,uint256 miniReceiveAmount,uint256 tokenId)Fee(address feeTo,uint256 feeAmount)Payment(address payToken,uint256 payAmount,address payTo)PermitMeta(uint8 kind,bytes16 paymentId,uint256 nonce,uint256 validAfter,uint256 validBefore)",
        what: "a payment of releases 0.1.x with a delivery",
        signer: Some("buyer"),
        role: Some(Role::Superseded("")),
    },
    Known {
        encode: "TransferWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)",
        what: "a payment by exact with TIP-3009 (transferWithAuthorization)",
        signer: Some("from"),
        role: None,
    },
    Known {
        encode: "ReceiveWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)",
        what: "a deposit into a payment channel by TIP-3009",
        signer: Some("from"),
        role: None,
    },
    Known {
        encode: "PermitWitnessTransferFrom(TokenPermissions permitted,address spender,uint256 nonce,uint256 deadline,Witness witness)TokenPermissions(address token,uint256 amount)Witness(address to,uint256 validAfter)",
        what: "a payment by exact with Permit2",
        signer: None,
        role: Some(Role::Permit2),
    },
    Known {
        encode: "PermitWitnessTransferFrom(TokenPermissions permitted,address spender,uint256 nonce,uint256 deadline,Witness witness)TokenPermissions(address token,uint256 amount)Witness(address to,address facilitator,uint256 validAfter)",
        what: "a payment by upto (Permit2); the amount is a ceiling",
        signer: None,
        role: Some(Role::Permit2),
    },
    Known {
        encode: "PermitWitnessTransferFrom(TokenPermissions permitted,address spender,uint256 nonce,uint256 deadline,DepositWitness witness)DepositWitness(bytes32 channelId)TokenPermissions(address token,uint256 amount)",
        what: "a deposit into a payment channel by Permit2",
        signer: None,
        role: Some(Role::Permit2),
    },
    Known {
        encode: "PermitTransfer(address token,address serviceProvider,address user,address receiver,uint256 value,uint256 maxFee,uint256 deadline,uint256 version,uint256 nonce)",
        what: "a payment by exact_gasfree",
        signer: Some("user"),
        role: Some(Role::GasFreeController),
    },
    Known {
        encode: "Voucher(bytes32 channelId,uint128 maxClaimableAmount)",
        what: "a voucher of a payment channel",
        signer: None,
        role: Some(Role::Channel),
    },
    Known {
        encode: "ChannelConfig(address payer,address payerAuthorizer,address receiver,address receiverAuthorizer,address token,uint40 withdrawDelay,bytes32 salt)",
        what: "the configuration of a payment channel; its digest is the channel's id",
        signer: None,
        role: Some(Role::Channel),
    },
];

fn known(typed: &TypedDocument) -> Option<&'static Known> {
    KNOWN.iter().find(|known| known.encode == typed.encode_type())
}

/// Who has to have signed it, where the message names that account.
pub(super) fn signer(typed: &TypedDocument) -> Option<Address> {
    let member = known(typed)?.signer?;
    Address::parse(typed.message().get(member)?.as_str()?).ok()
}

pub(super) fn typed(typed: &TypedDocument, text: &str, now: Option<Moment>) -> PartView {
    let mut lines = Lines::default();
    let mut findings = Vec::new();
    let domain = typed.domain();
    let chain = domain.chain_id.and_then(|id| u64::try_from(id).ok());
    let network = chain.and_then(Network::from_chain_id);
    let contract = domain.verifying_contract.map(Address::from);
    let around = Around { network, token: token(typed, contract), now };

    lines.group("domain");
    lines.maybe("domain-name", domain.name.as_deref());
    lines.maybe("domain-version", domain.version.as_deref());
    if let Some(id) = domain.chain_id {
        let line = lines.add("domain-chain", id);
        match network {
            Some(network) => line.remark(network.label()),
            None => line.remark("not one of TRON's networks").weight(WARN),
        };
    }
    if let Some(contract) = contract {
        lines.address("domain-contract", contract, around);
    }
    if let Some(salt) = domain.salt {
        lines.add("domain-salt", salt);
    }
    lines.group("hashes");
    lines.add("primary-type", typed.primary_type());
    lines.add("encode-type", typed.encode_type());
    if let Some(hash) = typed.type_hash(typed.primary_type()) {
        lines.add("type-hash", tron::Digest::from_bytes(hash));
    }
    lines.add("domain-separator", tron::Digest::from_bytes(typed.domain_separator()));
    lines.add("struct-hash", tron::Digest::from_bytes(typed.struct_hash()));
    lines.add("digest-to-sign", typed.digest());
    lines.group("message");
    leaves(&mut lines, "", typed.message(), around, &mut LEAVES.clone());

    let what = match known(typed) {
        Some(known) => {
            let role = network.zip(contract).and_then(|(network, at)| registry::role(network, at));
            match (known.role, role) {
                (Some(Role::Superseded(_)), _) => {
                    findings.push(found("legacyDelivery", STOP, &[("option", "this message")]))
                }
                (Some(wanted), Some(is)) if wanted == is => {
                    findings.push(found("typedKnown", GOOD, &[("what", known.what)]))
                }
                (None, _) if around.known().is_some() => {
                    findings.push(found("tokenCannot3009", STOP, &[("option", "this message")]))
                }
                (None, _) => findings.push(found("typedTokenUnknown", WARN, &[])),
                (Some(_), _) => findings.push(found("typedContract", STOP, &[])),
            }
            known.what
        }
        None => {
            findings.push(found("typedUnknown", WARN, &[("what", typed.primary_type())]));
            "of a kind that x402 on TRON does not use"
        }
    };
    if network.is_none() {
        findings.push(found("typedNotTron", WARN, &[]));
    } else if network.is_some_and(Network::is_test) {
        findings.push(found("testNetwork", NOTE, &[]));
    }
    PartView {
        findings: odd::sorted(findings),
        groups: lines.done(),
        ..super::part(KindView::TypedData, format!("Typed data (TIP-712): {what}."), text)
    }
}

/// The token that the message moves.
fn token(typed: &TypedDocument, contract: Option<Address>) -> Option<Address> {
    let message = typed.message();
    let named = ["/payment/payToken", "/permitted/token", "/token"];
    let named = named.iter().find_map(|pointer| message.pointer(pointer)?.as_str());
    named
        .and_then(|text| Address::parse(text).ok())
        .or(contract.filter(|_| known(typed).is_some_and(|k| k.role.is_none())))
}

/// Every value of the message with its path.
fn leaves(lines: &mut Lines, path: &str, value: &Value, around: Around, left: &mut usize) {
    let at = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match value {
        Value::Object(members) => members.iter().for_each(|(name, v)| leaves(lines, &at(name), v, around, left)),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(i, v)| leaves(lines, &format!("{path}[{i}]"), v, around, left));
        }
        _ if *left == 0 => {}
        leaf => {
            *left -= 1;
            one(lines, path, leaf, around);
        }
    }
}

fn one(lines: &mut Lines, path: &str, leaf: &Value, around: Around) {
    let text = leaf.as_str().map_or_else(|| leaf.to_string(), str::to_owned);
    let name = path.rsplit('.').next().unwrap_or(path);
    let number = || Amount::parse_smallest(&text).ok();
    let seconds = || text.parse::<u64>().ok();
    let help = crate::words::find(&format!("help-member-{name}"), &[]);
    let line = match name {
        "payAmount" | "feeAmount" | "amount" | "value" | "maxFee" | "maxClaimableAmount" => match number() {
            Some(amount) => lines.amount(path, amount, around),
            None => lines.add(path, &text),
        },
        "validBefore" | "deadline" => match seconds() {
            Some(at) => lines.time(path, at, around, true),
            None => lines.add(path, &text),
        },
        "validAfter" => match seconds() {
            Some(at) => lines.time(path, at, around, false),
            None => lines.add(path, &text),
        },
        _ => match Address::parse(&text) {
            Ok(address) if text.len() == 42 => lines.address(path, address, around),
            _ => lines.add(path, &text),
        },
    };
    line.label(path).help(help);
}
