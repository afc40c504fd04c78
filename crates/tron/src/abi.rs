//! TRC-20 calls, their answers, the Transfer event and revert reasons. Encodes exactly, decodes completely:
//! a call with a byte too many is not a known call.

use crate::{Address, Amount};
use alloy_primitives::{B256, U256};
use alloy_sol_types::{Panic, Revert, SolCall, SolError, SolEvent, SolValue, sol};
use std::fmt;

sol! {
    /// The part of TRC-20 that a wallet uses.
    interface ITrc20 {
        event Transfer(address indexed from, address indexed to, uint256 value);
        event Approval(address indexed owner, address indexed spender, uint256 value);
        function balanceOf(address owner) external view returns (uint256);
        function allowance(address owner, address spender) external view returns (uint256);
        function approve(address spender, uint256 amount) external returns (bool);
        function transfer(address to, uint256 amount) external returns (bool);
        function transferFrom(address from, address to, uint256 amount) external returns (bool);
        function decimals() external view returns (uint8);
        function symbol() external view returns (string);
    }
}

sol! {
    /// How an issuer stops its token, or one account of it: USDT's words, those of Circle's tokens and of OpenZeppelin's
    /// pause. Tokens that never stop have none of them.
    interface IStopped {
        function paused() external view returns (bool);
        function isBlackListed(address account) external view returns (bool);
        function isBlacklisted(address account) external view returns (bool);
    }
}

/// Longest symbol that is read from a contract, in characters; the rest is cut.
const MAX_SYMBOL: usize = 32;

pub fn balance_of(owner: Address) -> Vec<u8> {
    ITrc20::balanceOfCall { owner: owner.evm() }.abi_encode()
}

pub fn allowance(owner: Address, spender: Address) -> Vec<u8> {
    ITrc20::allowanceCall { owner: owner.evm(), spender: spender.evm() }.abi_encode()
}

pub fn approve(spender: Address, amount: Amount) -> Vec<u8> {
    ITrc20::approveCall { spender: spender.evm(), amount: amount.u256() }.abi_encode()
}

pub fn transfer(to: Address, amount: Amount) -> Vec<u8> {
    ITrc20::transferCall { to: to.evm(), amount: amount.u256() }.abi_encode()
}

pub fn decimals() -> Vec<u8> {
    ITrc20::decimalsCall {}.abi_encode()
}

pub fn symbol() -> Vec<u8> {
    ITrc20::symbolCall {}.abi_encode()
}

/// Asks whether the token moves for nobody now.
pub fn paused() -> Vec<u8> {
    IStopped::pausedCall {}.abi_encode()
}

/// Ask whether the token has blocked an account, each in another token's words.
pub fn blocked(account: Address) -> [Vec<u8>; 2] {
    let account = account.evm();
    [IStopped::isBlackListedCall { account }.abi_encode(), IStopped::isBlacklistedCall { account }.abi_encode()]
}

/// A TRC-20 call that changes something, completely decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    Approve { spender: Address, amount: Amount },
    Transfer { to: Address, amount: Amount },
    TransferFrom { from: Address, to: Address, amount: Amount },
}

/// The TRC-20 call in the data of a transaction; `None` for any other call, and for one with dirty padding or
/// bytes after its arguments.
pub fn decode_call(data: &[u8]) -> Option<Call> {
    /// Decodes and makes sure that nothing was left over or ignored.
    fn exact<C: SolCall>(data: &[u8]) -> Option<C> {
        C::abi_decode_validate(data).ok().filter(|call| call.abi_encode() == data)
    }
    match *data.first_chunk::<4>()? {
        ITrc20::approveCall::SELECTOR => exact::<ITrc20::approveCall>(data)
            .map(|c| Call::Approve { spender: c.spender.into(), amount: Amount::from_u256(c.amount) }),
        ITrc20::transferCall::SELECTOR => exact::<ITrc20::transferCall>(data)
            .map(|c| Call::Transfer { to: c.to.into(), amount: Amount::from_u256(c.amount) }),
        ITrc20::transferFromCall::SELECTOR => exact::<ITrc20::transferFromCall>(data).map(|c| Call::TransferFrom {
            from: c.from.into(),
            to: c.to.into(),
            amount: Amount::from_u256(c.amount),
        }),
        _ => None,
    }
}

/// An answer of one 256-bit word: `balanceOf`, `allowance`, a nonce bitmap.
pub fn decode_amount(output: &[u8]) -> Option<Amount> {
    <[u8; 32]>::try_from(output).ok().map(Amount::from_be_bytes)
}

/// An answer of one word that is 0 or 1.
pub fn decode_bool(output: &[u8]) -> Option<bool> {
    match decode_amount(output)? {
        Amount::ZERO => Some(false),
        amount if amount == Amount::from_u64(1) => Some(true),
        _ => None,
    }
}

/// The answer of `decimals`: up to 77, beyond which one whole token does not fit 256 bit.
pub fn decode_decimals(output: &[u8]) -> Option<u8> {
    let word = decode_amount(output)?;
    (word <= Amount::from_u64(77)).then(|| word.to_be_bytes()[31])
}

/// The answer of `symbol`, as a string or, from older tokens, as 32 zero-padded bytes. It is the contract's
/// claim: cut to 32 characters here, and to be shown as a claim.
pub fn decode_symbol(output: &[u8]) -> Option<String> {
    let text = match <[u8; 32]>::try_from(output) {
        Ok(word) => {
            let end = word.iter().position(|b| *b == 0).unwrap_or(word.len());
            String::from_utf8(word.get(..end)?.to_vec()).ok()?
        }
        Err(_) => String::abi_decode(output).ok()?,
    };
    Some(text.chars().take(MAX_SYMBOL).collect())
}

/// A TRC-20 transfer that happened, from a receipt's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transfer {
    pub from: Address,
    pub to: Address,
    pub amount: Amount,
}

/// keccak256 of `Transfer(address,address,uint256)`, the first topic of the event.
pub const TRANSFER_TOPIC: [u8; 32] = ITrc20::Transfer::SIGNATURE_HASH.0;

/// Reads a log; `None` when it is no TRC-20 Transfer.
pub fn decode_transfer(topics: &[[u8; 32]], data: &[u8]) -> Option<Transfer> {
    let event = ITrc20::Transfer::decode_raw_log_validate(topics.iter().map(|t| B256::from(*t)), data).ok()?;
    Some(Transfer { from: event.from.into(), to: event.to.into(), amount: Amount::from_u256(event.value) })
}

/// A TRC-20 allowance that was set, from a receipt's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Approval {
    pub owner: Address,
    pub spender: Address,
    pub amount: Amount,
}

/// Reads a log; `None` when it is no TRC-20 Approval.
pub fn decode_approval(topics: &[[u8; 32]], data: &[u8]) -> Option<Approval> {
    let event = ITrc20::Approval::decode_raw_log_validate(topics.iter().map(|t| B256::from(*t)), data).ok()?;
    let amount = Amount::from_u256(event.value);
    Some(Approval { owner: event.owner.into(), spender: event.spender.into(), amount })
}

sol! {
    /// Errors of the permit contracts that take no arguments, by their published names.
    interface KnownErrors {
        error BuyerMismatch();
        error InvalidKind();
        error InvalidTimestamp();
        error InvalidCaller();
        error NonceAlreadyUsed();
        error InvalidSignature();
        error InvalidNonce();
        error InvalidSigner();
        error InvalidSignatureLength();
        error InvalidContractSignature();
        error LengthMismatch();
        error InvalidOwner();
        error InvalidDestination();
        error PaymentTooEarly();
    }
    interface KnownErrorsWithValue {
        error SignatureExpired(uint256 deadline);
        error InvalidAmount(uint256 maxAmount);
        error AllowanceExpired(uint256 deadline);
        error InsufficientAllowance(uint256 amount);
    }
}

/// Why a call was undone, from its output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reverted {
    /// No output at all.
    Silent,
    /// `Error(string)`: the contract's own words.
    Message(String),
    /// `Panic(uint256)`: a check of the compiler.
    Panic(U256),
    /// A custom error, with its name when it is a known one.
    Custom { selector: [u8; 4], name: Option<&'static str> },
    /// Output that is no error encoding.
    Unreadable,
}

/// Reads the output of a reverted call.
pub fn revert_reason(output: &[u8]) -> Reverted {
    if output.is_empty() {
        return Reverted::Silent;
    }
    let Some(selector) = output.first_chunk::<4>().copied() else {
        return Reverted::Unreadable;
    };
    if let Ok(revert) = Revert::abi_decode(output) {
        return Reverted::Message(revert.reason);
    }
    if let Ok(panic) = Panic::abi_decode(output) {
        return Reverted::Panic(panic.code);
    }
    let name = KnownErrors::KnownErrorsErrors::name_by_selector(selector)
        .or_else(|| KnownErrorsWithValue::KnownErrorsWithValueErrors::name_by_selector(selector));
    Reverted::Custom { selector, name }
}

impl fmt::Display for Reverted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Silent => f.write_str("no reason given"),
            Self::Message(text) => f.write_str(text),
            Self::Panic(code) => write!(f, "Panic({code:#x})"),
            Self::Custom { name: Some(name), .. } => f.write_str(name),
            Self::Custom { selector, name: None } => write!(f, "error 0x{}", hex::encode(selector)),
            Self::Unreadable => f.write_str("unreadable reason"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(byte: u8) -> Address {
        Address::from_bytes([byte; 20])
    }

    fn word(text: &str) -> [u8; 32] {
        hex::decode(text).unwrap().try_into().unwrap()
    }

    #[test]
    fn calls_have_their_published_selectors() {
        for (data, selector) in [
            (balance_of(address(1)), "70a08231"),
            (allowance(address(1), address(2)), "dd62ed3e"),
            (approve(address(1), Amount::MAX), "095ea7b3"),
            (transfer(address(1), Amount::ZERO), "a9059cbb"),
            (decimals(), "313ce567"),
            (symbol(), "95d89b41"),
        ] {
            assert_eq!(hex::encode(&data[..4]), selector);
        }
        assert_eq!(hex::encode(TRANSFER_TOPIC), "ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef");
    }

    #[test]
    fn a_call_is_decoded_only_when_every_byte_is_accounted_for() {
        let amount = Amount::from_u64(1_100_000);
        let data = approve(address(7), amount);
        assert_eq!(decode_call(&data), Some(Call::Approve { spender: address(7), amount }));
        assert_eq!(decode_call(&transfer(address(8), amount)), Some(Call::Transfer { to: address(8), amount }));
        assert_eq!(decode_call(&balance_of(address(1))), None);
        let trailing = [data.as_slice(), &[0]].concat();
        assert_eq!(decode_call(&trailing), None);
        assert_eq!(decode_call(&data[..data.len() - 1]), None);
        let mut dirty = data;
        dirty[4] = 1;
        assert_eq!(decode_call(&dirty), None);
        assert_eq!(decode_call(&[]), None);
    }

    #[test]
    fn answers_are_read_completely_or_not_at_all() {
        let word = |n: u64| Amount::from_u64(n).to_be_bytes();
        assert_eq!(decode_amount(&word(5)), Some(Amount::from_u64(5)));
        assert_eq!(decode_amount(&[0; 31]), None);
        assert_eq!(decode_decimals(&word(6)), Some(6));
        assert_eq!(decode_decimals(&word(78)), None);
        assert_eq!(decode_decimals(&word(262)), None);
        assert_eq!((decode_bool(&word(1)), decode_bool(&word(2))), (Some(true), None));
        assert_eq!(decode_symbol(&"USDT".abi_encode()), Some("USDT".into()));
        let mut old = [0; 32];
        old[..3].copy_from_slice(b"MKR");
        assert_eq!(decode_symbol(&old), Some("MKR".into()));
        assert_eq!(decode_symbol(&"x".repeat(500).abi_encode()).map(|s| s.len()), Some(MAX_SYMBOL));
        assert_eq!(decode_symbol(&[0xff; 33]), None);
    }

    #[test]
    fn a_transfer_event_is_read_from_its_log() {
        let topic = |a: Address| {
            let mut topic = [0; 32];
            topic[12..].copy_from_slice(a.bytes());
            topic
        };
        let topics = [TRANSFER_TOPIC, topic(address(1)), topic(address(2))];
        let data = Amount::from_u64(9).to_be_bytes();
        let expected = Transfer { from: address(1), to: address(2), amount: Amount::from_u64(9) };
        assert_eq!(decode_transfer(&topics, &data), Some(expected));
        assert_eq!(decode_transfer(&topics[..2], &data), None);
        assert_eq!(decode_transfer(&[[0; 32], topics[1], topics[2]], &data), None);
        assert_eq!(decode_transfer(&topics, &[]), None);
        assert_eq!(decode_approval(&topics, &data), None);
        let approval = word("8c5be1e5ebec7d5bd14f71427d1e84f3dd0314c0f7b2291e5b200ac8c7c3b925");
        let expected = Approval { owner: address(1), spender: address(2), amount: Amount::from_u64(9) };
        assert_eq!(decode_approval(&[approval, topics[1], topics[2]], &data), Some(expected));
    }

    #[test]
    fn a_revert_says_its_reason() {
        assert_eq!(revert_reason(&[]), Reverted::Silent);
        assert_eq!(revert_reason(&[1]), Reverted::Unreadable);
        let message = Revert::from("TRANSFER_FAILED").abi_encode();
        assert_eq!(revert_reason(&message).to_string(), "TRANSFER_FAILED");
        let panic = Panic { code: U256::from(0x11) }.abi_encode();
        assert_eq!(revert_reason(&panic).to_string(), "Panic(0x11)");
        let custom = KnownErrors::InvalidCaller {}.abi_encode();
        assert_eq!(revert_reason(&custom).to_string(), "InvalidCaller");
        assert_eq!(revert_reason(&[1, 2, 3, 4]).to_string(), "error 0x01020304");
    }
}
