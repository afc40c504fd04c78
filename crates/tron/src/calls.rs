//! Contract calls that change who may take tokens or who rules a contract, by their published signatures: what a thief
//! wants signed; and the questions that trial runs ask. Read as the contract would read them, with padding ignored and
//! missing bytes as zeros; what is not as it should be is told and hides nothing. The calls that this program makes are
//! read exactly, in [`crate::abi`].

use crate::{Address, Amount};
use alloy_primitives::keccak256;

/// What a call does to whoever signs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Sets what somebody may take; 0 or false takes it back.
    Sets,
    /// Adds to what somebody may take.
    Raises,
    /// Takes from what somebody may take.
    Lowers,
    /// Moves tokens out of an account that is named.
    Takes,
    /// Moves tokens of the account that signs.
    Moves,
    /// Gives power over a contract to somebody.
    Rules,
    /// Holds further calls, which are not read.
    Holds,
    /// Changes nothing: what trial runs ask.
    Reads,
}

/// A value of a call's arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arg {
    Address(Address),
    Number(Amount),
    Flag(bool),
    Word([u8; 32]),
    /// A part of any length, which is not read.
    Rest,
}

/// A call that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    pub name: &'static str,
    pub effect: Effect,
    /// The arguments by their names in the published interface.
    pub args: Vec<(&'static str, Arg)>,
    /// False where padding is dirty, or bytes are missing or left over: contracts that are old enough read it anyway.
    pub clean: bool,
}

const KNOWN: [(Effect, &str); 53] = [
    (Effect::Sets, "approve(address spender,uint256 amount)"),
    (Effect::Moves, "transfer(address to,uint256 amount)"),
    (Effect::Takes, "transferFrom(address from,address to,uint256 amount)"),
    // TRC-20, OpenZeppelin before and after 2018; USDT on TRON has the older pair.
    (Effect::Raises, "increaseApproval(address spender,uint256 amount)"),
    (Effect::Lowers, "decreaseApproval(address spender,uint256 amount)"),
    (Effect::Raises, "increaseAllowance(address spender,uint256 amount)"),
    (Effect::Lowers, "decreaseAllowance(address spender,uint256 amount)"),
    (Effect::Raises, "safeIncreaseAllowance(address token,address spender,uint256 amount)"),
    (Effect::Sets, "approveAndCall(address spender,uint256 amount,bytes data)"),
    (Effect::Sets, "approveAndCall(address spender,uint256 amount)"),
    (Effect::Moves, "transferAndCall(address to,uint256 amount,bytes data)"),
    (Effect::Takes, "transferFromAndCall(address from,address to,uint256 amount,bytes data)"),
    // Permits, spent by whoever has the owner's signature: EIP-2612, DAI's, a contract's, Permit2's.
    (Effect::Sets, "permit(address owner,address spender,uint256 amount,uint256 deadline,uint8 v,bytes32 r,bytes32 s)"),
    (Effect::Sets, "permit(address owner,address spender,uint256 amount,uint256 deadline,bytes signature)"),
    (
        Effect::Sets,
        "permit(address owner,address spender,uint256 nonce,uint256 expiry,bool allowed,uint8 v,bytes32 r,bytes32 s)",
    ),
    (
        Effect::Sets,
        "permit(address owner,((address token,uint160 amount,uint48 expiration,uint48 nonce) details,address spender,uint256 deadline) permit,bytes signature)",
    ),
    (
        Effect::Raises,
        "permit(address owner,((address,uint160,uint48,uint48)[] details,address spender,uint256 deadline) permit,bytes signature)",
    ),
    (Effect::Sets, "approve(address token,address spender,uint160 amount,uint48 expiration)"),
    (Effect::Takes, "transferFrom(address from,address to,uint160 amount,address token)"),
    (Effect::Takes, "transferFrom((address,address,uint160,address)[] transfers)"),
    (
        Effect::Takes,
        "permitTransferFrom(((address token,uint256 amount) permitted,uint256 nonce,uint256 deadline) permit,(address to,uint256 requested) transfer,address owner,bytes signature)",
    ),
    (Effect::Lowers, "lockdown((address,address)[] approvals)"),
    (Effect::Lowers, "invalidateNonces(address token,address spender,uint48 nonce)"),
    // TRC-721 and TRC-1155.
    (Effect::Sets, "setApprovalForAll(address spender,bool allowed)"),
    (Effect::Takes, "safeTransferFrom(address from,address to,uint256 id)"),
    (Effect::Takes, "safeTransferFrom(address from,address to,uint256 id,bytes data)"),
    (Effect::Takes, "safeTransferFrom(address from,address to,uint256 id,uint256 amount,bytes data)"),
    (Effect::Takes, "safeBatchTransferFrom(address from,address to,uint256[] ids,uint256[] amounts,bytes data)"),
    // Who rules a contract.
    (Effect::Rules, "transferOwnership(address to)"),
    (Effect::Rules, "renounceOwnership()"),
    (Effect::Rules, "setOwner(address to)"),
    (Effect::Rules, "changeOwner(address to)"),
    (Effect::Rules, "changeAdmin(address to)"),
    (Effect::Rules, "transferAdmin(address to)"),
    (Effect::Rules, "grantRole(bytes32 role,address to)"),
    (Effect::Rules, "addMinter(address to)"),
    (Effect::Rules, "upgradeTo(address to)"),
    (Effect::Rules, "upgradeToAndCall(address to,bytes data)"),
    // Calls in a call.
    (Effect::Holds, "multicall(bytes[] calls)"),
    (Effect::Holds, "multicall(uint256 deadline,bytes[] calls)"),
    (Effect::Holds, "aggregate((address,bytes)[] calls)"),
    // Questions.
    (Effect::Reads, "balanceOf(address owner)"),
    (Effect::Reads, "allowance(address owner,address spender)"),
    (Effect::Reads, "name()"),
    (Effect::Reads, "symbol()"),
    (Effect::Reads, "decimals()"),
    (Effect::Reads, "totalSupply()"),
    (Effect::Reads, "owner()"),
    (Effect::Reads, "nonces(address owner)"),
    (Effect::Reads, "DOMAIN_SEPARATOR()"),
    (Effect::Reads, "authorizationState(address owner,bytes32 nonce)"),
    (Effect::Reads, "isBlackListed(address owner)"),
    (Effect::Reads, "paused()"),
];

/// The call that this data begins, or `None` where the selector is none of the known ones.
pub fn read(data: &[u8]) -> Option<Call> {
    let (selector, body) = data.split_first_chunk::<4>()?;
    KNOWN.iter().find_map(|(effect, text)| {
        let (name, list) = text.split_once('(')?;
        let list = list.strip_suffix(')')?;
        let [a, b, c, d, ..] = keccak256(format!("{name}({})", canonical(list))).0;
        if *selector != [a, b, c, d] {
            return None;
        }
        let mut reading = Reading { body, at: 0, clean: true, open: false, args: Vec::new() };
        reading.list(list);
        let clean = reading.clean && (reading.open || reading.at >= body.len());
        Some(Call { name, effect: *effect, args: reading.args, clean })
    })
}

/// The arguments at the outermost level, each as (type, name).
fn arguments(list: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut depth = 0_u32;
    let outside = move |c: char| {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    };
    list.split(outside).filter(|one| !one.is_empty()).map(|one| {
        // A tuple's own names stand before its end.
        let end = one.rfind(')').map_or(0, |at| at + 1);
        let space = one.get(end..).and_then(|rest| rest.find(' ')).map(|at| at + end);
        let (kind, name) = space.map_or((one, ""), |at| one.split_at(at));
        (kind.trim(), name.trim())
    })
}

/// The list without names, as a selector is made from it.
fn canonical(list: &str) -> String {
    let types = arguments(list).map(|(kind, _)| match tuple(kind) {
        Some((inner, after)) => format!("({}){after}", canonical(inner)),
        None => kind.to_owned(),
    });
    types.collect::<Vec<_>>().join(",")
}

/// A tuple's members, and what stands behind it: `[]` for a list of them.
fn tuple(kind: &str) -> Option<(&str, &str)> {
    kind.strip_prefix('(')?.rsplit_once(')')
}

fn is_dynamic(kind: &str) -> bool {
    match tuple(kind) {
        Some((inner, after)) => !after.is_empty() || arguments(inner).any(|(kind, _)| is_dynamic(kind)),
        None => kind.ends_with(']') || matches!(kind, "bytes" | "string"),
    }
}

struct Reading<'d> {
    body: &'d [u8],
    at: usize,
    clean: bool,
    /// A part of any length stands behind the words.
    open: bool,
    args: Vec<(&'static str, Arg)>,
}

impl Reading<'_> {
    fn list(&mut self, list: &'static str) {
        for (kind, name) in arguments(list) {
            match tuple(kind) {
                Some((inner, "")) if !is_dynamic(kind) => self.list(inner),
                _ => self.one(kind, name),
            }
        }
    }

    fn one(&mut self, kind: &str, name: &'static str) {
        let word = self.word();
        let [high @ .., _] = &word;
        let arg = match kind {
            _ if is_dynamic(kind) => {
                self.open = true;
                Arg::Rest
            }
            "address" => {
                let mut bytes = [0; 20];
                bytes.copy_from_slice(&word[12..]);
                self.clean &= word[..12] == [0; 12];
                Arg::Address(Address::from_bytes(bytes))
            }
            "bool" => {
                self.clean &= high.iter().all(|byte| *byte == 0) && word[31] <= 1;
                Arg::Flag(word != [0; 32])
            }
            "bytes32" => Arg::Word(word),
            _ => Arg::Number(Amount::from_be_bytes(word)),
        };
        self.args.push((name, arg));
    }

    /// The next 32 bytes; zeros for what is missing.
    fn word(&mut self) -> [u8; 32] {
        let mut word = [0; 32];
        let rest = self.body.get(self.at..).unwrap_or_default();
        let taken = rest.len().min(32);
        word[..taken].copy_from_slice(&rest[..taken]);
        self.clean &= taken == 32;
        self.at += 32;
        word
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(selector: &str, words: &[&str]) -> Vec<u8> {
        let words: String = words.iter().map(|word| format!("{word:0>64}")).collect();
        hex::decode(format!("{selector}{words}")).unwrap()
    }

    #[test]
    fn selectors_are_the_published_ones() {
        for (selector, name, effect) in [
            ("095ea7b3", "approve", Effect::Sets),
            ("a9059cbb", "transfer", Effect::Moves),
            ("23b872dd", "transferFrom", Effect::Takes),
            ("d73dd623", "increaseApproval", Effect::Raises),
            ("66188463", "decreaseApproval", Effect::Lowers),
            ("39509351", "increaseAllowance", Effect::Raises),
            ("a457c2d7", "decreaseAllowance", Effect::Lowers),
            ("cae9ca51", "approveAndCall", Effect::Sets),
            ("d505accf", "permit", Effect::Sets),
            ("8fcbaf0c", "permit", Effect::Sets),
            ("2b67b570", "permit", Effect::Sets),
            ("2a2d80d1", "permit", Effect::Raises),
            ("87517c45", "approve", Effect::Sets),
            ("36c78516", "transferFrom", Effect::Takes),
            ("0d58b1db", "transferFrom", Effect::Takes),
            ("30f28b7a", "permitTransferFrom", Effect::Takes),
            ("cc53287f", "lockdown", Effect::Lowers),
            ("65d9723c", "invalidateNonces", Effect::Lowers),
            ("a22cb465", "setApprovalForAll", Effect::Sets),
            ("42842e0e", "safeTransferFrom", Effect::Takes),
            ("b88d4fde", "safeTransferFrom", Effect::Takes),
            ("f242432a", "safeTransferFrom", Effect::Takes),
            ("2eb2c2d6", "safeBatchTransferFrom", Effect::Takes),
            ("f2fde38b", "transferOwnership", Effect::Rules),
            ("715018a6", "renounceOwnership", Effect::Rules),
            ("2f2ff15d", "grantRole", Effect::Rules),
            ("3659cfe6", "upgradeTo", Effect::Rules),
            ("4f1ef286", "upgradeToAndCall", Effect::Rules),
            ("ac9650d8", "multicall", Effect::Holds),
            ("5ae401dc", "multicall", Effect::Holds),
        ] {
            let call = read(&data(selector, &[])).unwrap_or_else(|| panic!("{selector} {name}"));
            assert_eq!((call.name, call.effect), (name, effect), "{selector}");
        }
    }

    #[test]
    fn a_call_is_read_as_the_contract_reads_it_and_what_is_unclean_hides_nothing() {
        let thief = Address::from_bytes([0x37; 20]);
        let word = "37".repeat(20);
        let clean = read(&data("d73dd623", &[&word, "ff"])).unwrap();
        assert_eq!(clean.args, [("spender", Arg::Address(thief)), ("amount", Arg::Number(Amount::from_u64(255)))]);
        assert!(clean.clean);
        let dirty = format!("41{word}");
        for (data, amount) in [
            (data("d73dd623", &[&dirty, "ff"]), 255),
            (data("d73dd623", &[&word, "ff", "1"]), 255),
            (data("d73dd623", &[&word]), 0),
        ] {
            let call = read(&data).unwrap();
            assert_eq!(
                call.args,
                [("spender", Arg::Address(thief)), ("amount", Arg::Number(Amount::from_u64(amount)))]
            );
            assert!(!call.clean);
        }
        assert_eq!(read(&[1, 2, 3, 4]), None);
        assert_eq!(read(&[]), None);
    }

    #[test]
    fn tuples_are_unfolded_and_parts_of_any_length_left_alone() {
        let token = Address::from_bytes([1; 20]);
        let (one, spender) = ("01".repeat(20), "02".repeat(20));
        let words = [spender.as_str(), &one, "5", "6", "7", &spender, "9", "100", "1", "ab"];
        let call = read(&data("2b67b570", &words)).unwrap();
        assert!(call.args.contains(&("token", Arg::Address(token))) && call.clean, "{call:?}");
        assert!(call.args.contains(&("amount", Arg::Number(Amount::from_u64(5)))));
        assert_eq!(call.args.last(), Some(&("signature", Arg::Rest)));
    }
}
