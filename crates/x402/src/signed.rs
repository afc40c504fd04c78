//! A signed payment of any scheme that is settled here, as one picture: who pays whom how much, until when, under
//! which nonce, and the call that takes it. Made from a payment that fits its requirements and carries its payer's
//! signature; refuses any other with the published reason. Knows no clock and no chain.

use crate::{
    InvalidReason as No, NonceSlot, Payload, Payment, Requirements, Scheme, Terms,
    scheme::{Fee, exact_eip3009, exact_permit, exact_permit2},
};
use tron::{Address, Amount, Digest, Network, Signature};

/// A payment that is right on paper, whenever it is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    pub scheme: Scheme,
    pub network: Network,
    pub token: Address,
    pub payer: Address,
    pub payee: Address,
    /// What the payee gets.
    pub amount: Amount,
    /// On top of the amount; `None` where the message has none or one of zero.
    pub fee: Option<Fee>,
    /// Who alone may send the settling call; `None`: anybody.
    pub caller: Option<Address>,
    /// Who needs the payer's TRC-20 allowance over amount and fee; `None`: nobody.
    pub spender: Option<Address>,
    /// Where the use of the nonce is written down.
    pub slot: NonceSlot,
    /// `(valid_after, valid_before)` in seconds since 1970.
    pub window: (u64, u64),
    /// What was signed.
    pub digest: Digest,
    pub signature: Signature,
    call: (Address, Vec<u8>),
}

impl Signed {
    /// Judges everything but the time: terms, then the signature.
    pub fn of(payment: &Payment, requirements: &Requirements) -> Result<Self, No> {
        let terms = requirements.terms.as_ref().map_err(|_| No::ExactScheme)?;
        match terms {
            Terms::ExactPermit(_) => Self::of_permit(payment, requirements),
            Terms::ExactEip3009(terms) => Self::of_eip3009(payment, terms),
            Terms::ExactPermit2(terms) => Self::of_permit2(payment, terms),
            _ => Err(No::ExactScheme),
        }
    }

    fn of_permit(payment: &Payment, requirements: &Requirements) -> Result<Self, No> {
        // At its first second the window is open: only terms and signature are judged here.
        let (permit, digest, signature) =
            exact_permit::judge(payment, requirements, |permit| permit.valid_after, |_, _| true)?;
        let fee = Fee { to: permit.fee_to, amount: permit.fee_amount, caller: Some(permit.caller) };
        let (scheme, owner, contract) = (Scheme::ExactPermit, permit.buyer, permit.contract());
        Ok(Self {
            scheme,
            network: permit.network,
            token: permit.token,
            payer: owner,
            payee: permit.pay_to,
            amount: permit.amount,
            fee: (!fee.amount.is_zero()).then_some(fee),
            caller: Some(permit.caller),
            spender: Some(contract),
            slot: NonceSlot { scheme, contract, owner, nonce: permit.nonce },
            window: (permit.valid_after, permit.valid_before),
            digest,
            call: exact_permit::settle_call(permit, owner, &signature),
            signature,
        })
    }

    fn of_eip3009(payment: &Payment, terms: &exact_eip3009::Terms) -> Result<Self, No> {
        same_network(payment, terms.common.network)?;
        let payload = match &payment.payload {
            Ok(Payload::ExactEip3009(payload)) => payload,
            Ok(_) => return Err(No::ExactScheme),
            Err(_) => return Err(No::MissingTransferAuthorization),
        };
        let (digest, signature) = exact_eip3009::on_paper(payload, terms)?;
        let (scheme, contract, owner) = (Scheme::ExactEip3009, terms.common.token, payload.from);
        Ok(Self {
            scheme,
            network: terms.common.network,
            token: contract,
            payer: owner,
            payee: payload.to,
            amount: payload.value,
            fee: None,
            caller: None,
            spender: None,
            slot: NonceSlot { scheme, contract, owner, nonce: crate::U256::from_be_bytes(payload.nonce) },
            window: (payload.valid_after, payload.valid_before),
            digest,
            call: (contract, exact_eip3009::settle_data(payload, &signature)),
            signature,
        })
    }

    fn of_permit2(payment: &Payment, terms: &exact_permit2::Terms) -> Result<Self, No> {
        same_network(payment, terms.common.network)?;
        let Ok(Payload::ExactPermit2(payload)) = &payment.payload else { return Err(No::ExactScheme) };
        let (digest, signature, set) = exact_permit2::on_paper(payload, terms)?;
        let a = &payload.authorization;
        let scheme = Scheme::ExactPermit2;
        Ok(Self {
            scheme,
            network: terms.common.network,
            token: a.token,
            payer: a.from,
            payee: a.to,
            amount: a.amount,
            fee: None,
            caller: None,
            spender: Some(set.permit2),
            slot: NonceSlot { scheme, contract: set.permit2, owner: a.from, nonce: a.nonce },
            window: (a.valid_after, a.deadline),
            digest,
            call: (a.spender, exact_permit2::settle_data(a, &signature)),
            signature,
        })
    }

    /// Whether the window is open at `now_secs` since 1970, and for more than `margin_secs` from then on.
    pub fn in_time(&self, now_secs: u64, margin_secs: u64) -> Result<(), No> {
        let (after, before) = self.window;
        let (late, early) = match self.scheme {
            Scheme::ExactEip3009 => (No::ExactValidBefore, No::ExactValidAfter),
            Scheme::ExactPermit2 => (No::Permit2Deadline, No::Permit2NotYetValid),
            _ => (No::Expired, No::NotYetValid),
        };
        // A token's own authorization holds strictly after its first second.
        if now_secs < after || (self.scheme == Scheme::ExactEip3009 && now_secs == after) {
            return Err(early);
        }
        if now_secs.saturating_add(margin_secs) >= before {
            return Err(late);
        }
        Ok(())
    }

    /// Amount and fee, what the payer loses; `None` when they overflow.
    pub fn maximum(&self) -> Option<Amount> {
        self.amount.checked_add(self.fee.map_or(Amount::ZERO, |fee| fee.amount))
    }

    /// The call that settles: contract and call data.
    pub fn settle_call(&self) -> (Address, Vec<u8>) {
        self.call.clone()
    }
}

/// Another network is another domain, and its facilitator another chain's.
fn same_network(payment: &Payment, due: Network) -> Result<(), No> {
    match Network::parse(&payment.network) {
        Ok(network) if network == due => Ok(()),
        _ => Err(No::ExactNetwork),
    }
}
