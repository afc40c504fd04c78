//! The signed part of a payment, for every scheme. Tells dialects apart by what is there, within what the
//! scheme's name allows.

use super::{
    Explanation, Terms, Unusable, batch_settlement, exact_eip3009, exact_gasfree, exact_permit, exact_permit2, explain,
    legacy_delivery,
};
use crate::{Malformed, Scheme, read::Fields};
use serde_json::Value;
use tron::{Address, Digest, Network, registry};

/// `payload` of a payment, completely decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    ExactPermit(exact_permit::Payload),
    ExactEip3009(exact_eip3009::Payload),
    ExactPermit2(exact_permit2::Payload),
    ExactGasfree(exact_gasfree::Payload),
    Upto(exact_permit2::Payload),
    BatchSettlement(batch_settlement::Payload),
    LegacyDelivery(legacy_delivery::Payload),
}

/// A payload that is a whole transaction, or only names one: it says nothing that a permission says, and whatever
/// readable half stands beside it is not what was signed.
fn other(payload: &Fields<'_, '_>) -> Option<Unusable> {
    const TRANSACTION: &str = "a whole signed transaction";
    const SENT: &str = "a transaction that the payer has sent";
    let hash = |text: &str| text.trim_start_matches("0x").len() == 64;
    for (names, what) in [
        (["signedTransaction", "signedTx", "rawTransaction", "raw_data_hex", "raw_data"].as_slice(), TRANSACTION),
        (["txid", "txID", "txId", "txHash", "transactionHash", "transactionId"].as_slice(), SENT),
    ] {
        let found = names.iter().find(|name| payload.get(name).is_some());
        if let Some(name) = found {
            return Some(Unusable::OtherPayload { field: payload.at(name), what });
        }
    }
    let transaction = payload.get("transaction")?;
    let what = if transaction.text().is_some_and(hash) { SENT } else { TRANSACTION };
    Some(Unusable::OtherPayload { field: payload.at("transaction"), what })
}

impl Payload {
    /// `scheme` and `network` are the wire's words from beside the payload; `accepted` is what they were
    /// understood to mean, and decides what an `exact` payload without a telling member lacks.
    pub(crate) fn read(
        scheme: &str,
        network: &str,
        accepted: Option<Scheme>,
        payload: &Fields<'_, '_>,
        extensions: Option<&Fields<'_, '_>>,
    ) -> Result<Self, Unusable> {
        let shown = crate::malformed::shown;
        if let Some(other) = other(payload) {
            return Err(other);
        }
        let network = Network::parse(network).map_err(|_| Unusable::UnknownNetwork { found: shown(network) })?;
        let permit = payload.object("paymentPermit")?;
        let with_delivery = permit.as_ref().is_some_and(|p| p.get("delivery").is_some());
        let permit2 = payload.get("permit2Authorization").is_some();
        let authorization = payload.get("authorization").is_some();
        Ok(match scheme {
            "exact_gasfree" => Self::ExactGasfree(exact_gasfree::Payload::read(payload, extensions)?),
            "exact" | "upto" if with_delivery => {
                Self::LegacyDelivery(legacy_delivery::Payload::read(payload, network)?)
            }
            "exact_permit" => Self::ExactPermit(exact_permit::Payload::read(payload, network)?),
            "exact" if permit.is_some() => Self::ExactPermit(exact_permit::Payload::read(payload, network)?),
            "exact" if permit2 || (accepted == Some(Scheme::ExactPermit2) && !authorization) => {
                Self::ExactPermit2(exact_permit2::Payload::read(payload)?)
            }
            "exact" => Self::ExactEip3009(exact_eip3009::Payload::read(payload, extensions)?),
            "upto" => {
                let upto = exact_permit2::Payload::read(payload)?;
                if upto.authorization.facilitator.is_none() {
                    let field = payload.at("permit2Authorization.witness.facilitator");
                    return Err(Malformed::absent(field, "a TRON address").into());
                }
                Self::Upto(upto)
            }
            "batch-settlement" => Self::BatchSettlement(batch_settlement::Payload::read(payload)?),
            other => return Err(Unusable::UnknownScheme { found: shown(other) }),
        })
    }

    pub const fn scheme(&self) -> Scheme {
        match self {
            Self::ExactPermit(_) => Scheme::ExactPermit,
            Self::ExactEip3009(_) => Scheme::ExactEip3009,
            Self::ExactPermit2(_) => Scheme::ExactPermit2,
            Self::ExactGasfree(_) => Scheme::ExactGasfree,
            Self::Upto(_) => Scheme::Upto,
            Self::BatchSettlement(_) => Scheme::BatchSettlement,
            Self::LegacyDelivery(_) => Scheme::LegacyDelivery,
        }
    }

    /// Whose money it is, as the payload says; only a recovered signature proves it.
    pub const fn payer(&self) -> Address {
        match self {
            Self::ExactPermit(p) => p.permit.buyer,
            Self::ExactEip3009(p) => p.from,
            Self::ExactPermit2(p) | Self::Upto(p) => p.authorization.from,
            Self::ExactGasfree(p) => p.user,
            Self::BatchSettlement(p) => p.config().payer,
            Self::LegacyDelivery(p) => p.permit.buyer,
        }
    }

    /// The signature as it came; of a channel payment the voucher's, empty when there is none.
    pub fn signature(&self) -> &str {
        match self {
            Self::ExactPermit(p) => &p.signature,
            Self::ExactEip3009(p) => &p.signature,
            Self::ExactPermit2(p) | Self::Upto(p) => &p.signature,
            Self::ExactGasfree(p) => &p.signature,
            Self::BatchSettlement(p) => p.voucher().map_or("", |v| &v.signature),
            Self::LegacyDelivery(p) => &p.signature,
        }
    }

    /// Puts the signature in, for the schemes that are signed here.
    pub(crate) fn set_signature(&mut self, signature: String) {
        match self {
            Self::ExactPermit(p) => p.signature = signature,
            Self::ExactEip3009(p) => p.signature = signature,
            Self::ExactPermit2(p) => p.signature = signature,
            _ => {}
        }
    }

    /// What was signed on this network: the registry's contracts, and the token's domain as the terms claim
    /// it. `None` when the message names contracts outside the registry, or the domain is not known. Of a
    /// channel payment it is the voucher.
    pub fn digest(&self, network: Network, terms: Option<&Terms>) -> Option<Digest> {
        match self {
            Self::ExactPermit(p) => Some(p.permit.digest()),
            Self::LegacyDelivery(p) => Some(p.digest()),
            Self::ExactGasfree(p) => Some(p.digest(network)),
            Self::BatchSettlement(p) => Some(p.voucher()?.digest(network)),
            Self::ExactEip3009(p) => {
                let Some(Terms::ExactEip3009(t)) = terms else { return None };
                Some(p.digest(network, t.common.token, t.domain_name.as_deref()?, t.domain_version.as_deref()?))
            }
            Self::ExactPermit2(p) | Self::Upto(p) => {
                let a = &p.authorization;
                let sets = &registry::deployments(network).permit2;
                let set = sets.iter().find(|s| match a.facilitator {
                    None => s.exact_proxy == a.spender,
                    Some(_) => s.upto_proxy == Some(a.spender),
                })?;
                Some(a.digest(network, set.permit2))
            }
        }
    }

    /// `payload` as it travels, for the schemes that are signed here.
    pub(crate) fn wire(&self) -> Value {
        match self {
            Self::ExactPermit(p) => p.wire(),
            Self::ExactEip3009(p) => p.wire(),
            Self::ExactPermit2(p) => p.wire(),
            _ => Value::Null,
        }
    }

    /// Everything the payload says, as labelled facts.
    pub fn explain(&self) -> Vec<Explanation> {
        explain::payload(self)
    }
}
