//! `exact` by the token's own `transferWithAuthorization` (TIP-3009). The payer chooses nonce and window. Refuses to
//! sign without the token's domain name and version, without a choice, and when money would go to the zero
//! address; whether the token has such a function at all is asked by whoever can ask the chain.

pub mod check;

use super::{CannotSign, Common, Fresh, Scheme, Unusable, typed};
use crate::{Authorization, Malformed, Payload as AnyPayload, read::Fields};
use alloy_primitives::{FixedBytes, U256};
use alloy_sol_types::{Eip712Domain, SolCall, SolStruct, sol};
pub use check::check;
pub(crate) use check::on_paper;
use serde_json::{Value, json};
use tron::{Address, Amount, Digest, Network, Signature, tip712, token};

sol! {
    /// Signed under the token's own domain.
    #[derive(Debug, PartialEq, Eq)]
    struct TransferWithAuthorization {
        address from;
        address to;
        uint256 value;
        uint256 validAfter;
        uint256 validBefore;
        bytes32 nonce;
    }

    interface Eip3009 {
        function transferWithAuthorization(
            address from, address to, uint256 value, uint256 validAfter, uint256 validBefore, bytes32 nonce,
            uint8 v, bytes32 r, bytes32 s
        ) external;
        /// The overload that x402-rs settles through.
        function transferWithAuthorization(
            address from, address to, uint256 value, uint256 validAfter, uint256 validBefore, bytes32 nonce,
            bytes signature
        ) external;
        /// Whether a nonce is used or was cancelled.
        function authorizationState(address authorizer, bytes32 nonce) external view returns (bool);
        /// The parts of the domain as the token states them.
        function name() external view returns (string);
        function version() external view returns (string);
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    pub common: Common,
    /// The token's domain as the server claims it.
    pub domain_name: Option<String>,
    pub domain_version: Option<String>,
    pub max_timeout_seconds: Option<u64>,
    /// What the payer chose.
    pub fresh: Option<Fresh>,
}

impl Terms {
    pub(crate) fn read(common: Common, timeout: Option<u64>, extra: Option<&Fields<'_, '_>>) -> Result<Self, Unusable> {
        let (domain_name, domain_version) = read_domain(extra)?;
        Ok(Self { common, domain_name, domain_version, max_timeout_seconds: timeout, fresh: None })
    }

    /// The token is known, and none of the known ones has `transferWithAuthorization`.
    pub fn token_cannot(&self) -> bool {
        token::lookup(self.common.network, self.common.token).is_some()
    }

    /// The token's domain as the requirement states it; `None` where it leaves a part out.
    pub(crate) fn domain(&self) -> Option<Eip712Domain> {
        let (name, version) = (self.domain_name.as_deref()?, self.domain_version.as_deref()?);
        Some(tip712::domain(name, Some(version), self.common.network, self.common.token))
    }

    pub(crate) fn signable(&self) -> Result<Eip712Domain, CannotSign> {
        self.common.nowhere()?;
        match (&self.domain_name, &self.domain_version) {
            (None, _) => Err(CannotSign::MissingDomain { field: "extra.name" }),
            (_, None) => Err(CannotSign::MissingDomain { field: "extra.version" }),
            _ => self.domain().ok_or(CannotSign::MissingDomain { field: "extra" }),
        }
    }

    pub(crate) fn authorize(&self, payer: Address) -> Result<Authorization, CannotSign> {
        let domain = self.signable()?;
        let fresh = Fresh::chosen(self.fresh)?;
        let payload = Payload {
            signature: String::new(),
            from: payer,
            to: self.common.payee,
            value: self.common.price,
            valid_after: fresh.valid_after,
            valid_before: fresh.valid_before,
            nonce: fresh.nonce.to_be_bytes(),
            in_extensions: false,
        };
        Ok(Authorization {
            scheme: Scheme::ExactEip3009,
            network: self.common.network,
            payer,
            contract: self.common.token,
            maximum: self.common.price,
            window: (fresh.valid_after, fresh.valid_before),
            nonce: fresh.nonce,
            digest: tip712::digest(&payload.message(), &domain),
            domain,
            payload: AnyPayload::ExactEip3009(payload),
        })
    }
}

/// `extra.name` and `extra.version`: the token's domain.
pub(crate) fn read_domain(extra: Option<&Fields<'_, '_>>) -> Result<(Option<String>, Option<String>), Malformed> {
    let Some(extra) = extra else { return Ok((None, None)) };
    Ok((extra.text("name")?, extra.text("version")?))
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    pub signature: String,
    pub from: Address,
    pub to: Address,
    pub value: Amount,
    pub valid_after: u64,
    pub valid_before: u64,
    pub nonce: [u8; 32],
    /// It stood in `extensions.transferAuthorization`, where older SDKs put it.
    pub in_extensions: bool,
}

impl Payload {
    pub(crate) fn read(payload: &Fields<'_, '_>, extensions: Option<&Fields<'_, '_>>) -> Result<Self, Malformed> {
        let here = payload.object("authorization")?;
        let elsewhere = extensions.map(|e| e.object("transferAuthorization")).transpose()?.flatten();
        let in_extensions = here.is_none();
        let Some(a) = here.or(elsewhere) else {
            return Err(Malformed::absent(payload.at("authorization"), "an object"));
        };
        Ok(Self {
            signature: payload.need_text("signature")?,
            from: a.need_address("from")?,
            to: a.need_address("to")?,
            value: a.need_amount("value")?,
            valid_after: a.need_seconds("validAfter")?,
            valid_before: a.need_seconds("validBefore")?,
            nonce: a.need_bytes("nonce")?,
            in_extensions,
        })
    }

    /// What was signed, if the token's domain is this.
    pub fn digest(&self, network: Network, token: Address, name: &str, version: &str) -> Digest {
        tip712::digest(&self.message(), &tip712::domain(name, Some(version), network, token))
    }

    fn message(&self) -> TransferWithAuthorization {
        TransferWithAuthorization {
            from: self.from.evm(),
            to: self.to.evm(),
            value: self.value.u256(),
            validAfter: U256::from(self.valid_after),
            validBefore: U256::from(self.valid_before),
            nonce: FixedBytes(self.nonce),
        }
    }

    pub(crate) fn typed_data(&self, domain: &Eip712Domain) -> Value {
        typed::document(&TransferWithAuthorization::eip712_encode_type(), domain, self.fields())
    }

    /// The message as it travels and as a typed-data document shows it: hex addresses, decimal strings.
    fn fields(&self) -> Value {
        json!({
            "from": self.from.to_evm_hex(),
            "to": self.to.to_evm_hex(),
            "value": self.value.to_string(),
            "validAfter": self.valid_after.to_string(),
            "validBefore": self.valid_before.to_string(),
            "nonce": format!("0x{}", hex::encode(self.nonce)),
        })
    }

    pub(crate) fn wire(&self) -> Value {
        json!({ "signature": self.signature, "authorization": self.fields() })
    }
}

/// The call that settles, by the overload that every TIP-3009 token has: call data for the token. Anybody may
/// send it.
pub fn settle_data(payload: &Payload, signature: &Signature) -> Vec<u8> {
    let m = payload.message();
    Eip3009::transferWithAuthorization_0Call {
        from: m.from,
        to: m.to,
        value: m.value,
        validAfter: m.validAfter,
        validBefore: m.validBefore,
        nonce: m.nonce,
        v: signature.v(),
        r: FixedBytes(*signature.r()),
        s: FixedBytes(*signature.s()),
    }
    .abi_encode()
}

/// As [`settle_data`], by the overload that takes the signature's bytes.
pub fn settle_data_bytes(payload: &Payload, signature: &Signature) -> Vec<u8> {
    let m = payload.message();
    Eip3009::transferWithAuthorization_1Call {
        from: m.from,
        to: m.to,
        value: m.value,
        validAfter: m.validAfter,
        validBefore: m.validBefore,
        nonce: m.nonce,
        signature: signature.to_bytes().to_vec().into(),
    }
    .abi_encode()
}

pub(crate) fn state_call(owner: Address, nonce: U256) -> Vec<u8> {
    Eip3009::authorizationStateCall { authorizer: owner.evm(), nonce: FixedBytes(nonce.to_be_bytes()) }.abi_encode()
}

pub(crate) fn state_answer(output: &[u8]) -> Option<bool> {
    tron::abi::decode_bool(output)
}

/// Call data for the token's own `name()` and `version()`; the answers are read by [`text_answer`].
pub fn domain_calls() -> [Vec<u8>; 2] {
    [Eip3009::nameCall {}.abi_encode(), Eip3009::versionCall {}.abi_encode()]
}

/// A text that a token states about its domain; `None` when it is none, or longer than anybody's name.
pub fn text_answer(output: &[u8]) -> Option<String> {
    Eip3009::nameCall::abi_decode_returns(output).ok().filter(|text| text.len() <= 128)
}
