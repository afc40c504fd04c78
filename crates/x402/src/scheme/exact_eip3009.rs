//! `exact` by the token's own `transferWithAuthorization`. Decodes and explains; does not sign yet.

use super::{Common, Unusable};
use crate::{Malformed, read::Fields};
use alloy_primitives::{FixedBytes, U256};
use alloy_sol_types::sol;
use tron::{Address, Amount, Digest, Network, tip712, token};

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
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    pub common: Common,
    /// The token's domain as the server claims it.
    pub domain_name: Option<String>,
    pub domain_version: Option<String>,
    pub max_timeout_seconds: Option<u64>,
}

impl Terms {
    pub(crate) fn read(common: Common, timeout: Option<u64>, extra: Option<&Fields<'_, '_>>) -> Result<Self, Unusable> {
        let (domain_name, domain_version) = read_domain(extra)?;
        Ok(Self { common, domain_name, domain_version, max_timeout_seconds: timeout })
    }

    /// The token is known, and none of the known ones has `transferWithAuthorization`.
    pub fn token_cannot(&self) -> bool {
        token::lookup(self.common.network, self.common.token).is_some()
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
        let message = TransferWithAuthorization {
            from: self.from.evm(),
            to: self.to.evm(),
            value: self.value.u256(),
            validAfter: U256::from(self.valid_after),
            validBefore: U256::from(self.valid_before),
            nonce: FixedBytes(self.nonce),
        };
        tip712::digest(&message, &tip712::domain(name, Some(version), network, token))
    }
}
