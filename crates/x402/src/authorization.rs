//! What a key would sign, and how the signature becomes a payment. Never holds a key.

use crate::{Extensions, Offer, Payload, Payment, Requirements, Scheme, Version, extensions, payment::Parts};
use alloy_primitives::U256;
use alloy_sol_types::Eip712Domain;
use serde_json::Value;
use tron::{Address, Amount, Digest, Network, Signature};

/// A message that is ready to be signed, with the facts that a ledger needs about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Authorization {
    pub scheme: Scheme,
    pub network: Network,
    pub payer: Address,
    /// The verifying contract, from the registry.
    pub contract: Address,
    /// Most that can leave.
    pub maximum: Amount,
    /// `(valid_after, valid_before)` in seconds since 1970.
    pub window: (u64, u64),
    pub nonce: U256,
    pub digest: Digest,
    pub(crate) domain: Eip712Domain,
    /// Without its signature.
    pub(crate) payload: Payload,
}

impl Authorization {
    /// The whole message as a typed-data document: made for those who look, not for the signature.
    pub fn typed_data(&self) -> Value {
        match &self.payload {
            Payload::ExactPermit(payload) => payload.permit.typed_data(),
            Payload::ExactEip3009(payload) => payload.typed_data(&self.domain),
            Payload::ExactPermit2(payload) => payload.authorization.typed_data(self.network, self.contract),
            // Nothing else is ever authorized.
            _ => Value::Null,
        }
    }

    /// The payment to send for this option of this offer. The option's text is echoed unchanged, and so are
    /// the extensions that were understood.
    pub fn payment(&self, offer: &Offer, requirements: &Requirements, signature: &Signature) -> Payment {
        let mut payload = self.payload.clone();
        payload.set_signature(signature.to_hex());
        let mut echoed = Extensions::default();
        if let Some(raw) = offer.extensions.raw(extensions::PERMIT_CONTEXT) {
            echoed.set(extensions::PERMIT_CONTEXT, raw.to_owned());
        }
        Payment::assemble(Parts {
            version: offer.version,
            scheme: requirements.scheme.clone(),
            network: requirements.network.clone(),
            accepted: (offer.version == Version::V2).then(|| requirements.clone()),
            resource: offer.resource.clone().filter(|_| offer.version == Version::V2),
            payload,
            extensions: echoed,
        })
    }
}
