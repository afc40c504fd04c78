//! `exact_gasfree`: a relayer submits and takes its fee in the token, the payer needs no TRX. Reads the
//! current payload and the older one folded into `paymentPermit`. Decodes and explains; does not sign yet.

use super::{Common, Fee, Unusable, exact_permit};
use crate::{Malformed, read::Fields};
use alloy_primitives::U256;
use alloy_sol_types::sol;
use tron::{Address, Amount, Digest, Network, registry, tip712};

sol! {
    /// Signed under the domain `{ name: "GasFreeController", version: "V1.0.0", chainId, verifyingContract }`.
    #[derive(Debug, PartialEq, Eq)]
    struct PermitTransfer {
        address token;
        address serviceProvider;
        address user;
        address receiver;
        uint256 value;
        uint256 maxFee;
        uint256 deadline;
        uint256 version;
        uint256 nonce;
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    pub common: Common,
    pub controller: Address,
    pub relayer: &'static str,
    /// `extra.fee`: the server's word, which only older SDKs used; the relayer's own fee decides.
    pub claimed_fee: Option<Fee>,
    pub max_timeout_seconds: Option<u64>,
}

impl Terms {
    pub(crate) fn read(common: Common, timeout: Option<u64>, extra: Option<&Fields<'_, '_>>) -> Result<Self, Unusable> {
        let gasfree = &registry::deployments(common.network).gasfree;
        let (claimed_fee, _) = exact_permit::read_fee(extra)?;
        exact_permit::maximum(&common, claimed_fee, extra)?;
        Ok(Self {
            common,
            controller: gasfree.controller,
            relayer: gasfree.relayer,
            claimed_fee,
            max_timeout_seconds: timeout,
        })
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    pub signature: String,
    /// The account that is debited, derived from the user.
    pub gasfree_address: Option<Address>,
    pub token: Address,
    pub service_provider: Address,
    pub user: Address,
    pub receiver: Address,
    pub value: Amount,
    pub max_fee: Amount,
    pub deadline: u64,
    pub version: U256,
    pub nonce: U256,
    /// It came folded into `paymentPermit`, as SDKs up to 0.6 send it.
    pub folded: bool,
}

impl Payload {
    pub(crate) fn read(payload: &Fields<'_, '_>, extensions: Option<&Fields<'_, '_>>) -> Result<Self, Malformed> {
        let signature = payload.need_text("signature")?;
        let beside = extensions.map(|e| e.address("gasfreeAddress")).transpose()?.flatten();
        let gasfree_address = payload.address("gasfreeAddress")?.or(beside);
        if payload.get("gasfree").is_none() && payload.get("paymentPermit").is_some() {
            return Self::unfold(signature, gasfree_address, &payload.need_object("paymentPermit")?);
        }
        let g = payload.need_object("gasfree")?;
        Ok(Self {
            signature,
            gasfree_address,
            token: g.need_address("token")?,
            service_provider: g.need_address("serviceProvider")?,
            user: g.need_address("user")?,
            receiver: g.need_address("receiver")?,
            value: g.need_amount("value")?,
            max_fee: g.need_amount("maxFee")?,
            deadline: g.need_seconds("deadline")?,
            version: g.need_number("version")?,
            nonce: g.need_number("nonce")?,
            folded: false,
        })
    }

    fn unfold(signature: String, gasfree_address: Option<Address>, permit: &Fields<'_, '_>) -> Result<Self, Malformed> {
        let (meta, payment, fee) =
            (permit.need_object("meta")?, permit.need_object("payment")?, permit.need_object("fee")?);
        Ok(Self {
            signature,
            gasfree_address,
            token: payment.need_address("payToken")?,
            service_provider: fee.need_address("feeTo")?,
            user: permit.need_address("buyer")?,
            receiver: payment.need_address("payTo")?,
            value: payment.need_amount("payAmount")?,
            max_fee: fee.need_amount("feeAmount")?,
            deadline: meta.need_seconds("validBefore")?,
            version: U256::ONE,
            nonce: meta.need_number("nonce")?,
            folded: true,
        })
    }

    /// What was signed for the registry's controller of this network.
    pub fn digest(&self, network: Network) -> Digest {
        let message = PermitTransfer {
            token: self.token.evm(),
            serviceProvider: self.service_provider.evm(),
            user: self.user.evm(),
            receiver: self.receiver.evm(),
            value: self.value.u256(),
            maxFee: self.max_fee.u256(),
            deadline: U256::from(self.deadline),
            version: self.version,
            nonce: self.nonce,
        };
        let controller = registry::deployments(network).gasfree.controller;
        tip712::digest(&message, &tip712::domain("GasFreeController", Some("V1.0.0"), network, controller))
    }
}
