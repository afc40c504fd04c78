//! Judging a payment: first on paper (terms, fee, signature), then on the chain (a trial run of the very call that
//! would settle it). Refuses what is not exactly what was asked for, and what the contract would refuse.

use crate::{Facilitator, Reason, flights::Key};
use chain::{ChainError, TronGrid};
use tron::{Address, Signature, abi};
use x402::{
    Payload, Payment, Requirements, Terms,
    scheme::exact_permit::{self, InvalidReason as Permit, Permit as Message},
};

/// A payment that is right on paper.
#[derive(Clone, Debug)]
pub(crate) struct Judged {
    pub permit: Message,
    pub signature: Signature,
}

/// Why a payment was not accepted, and whose it is as far as that is proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rejected {
    pub reason: Reason,
    pub payer: Option<Address>,
}

impl Judged {
    pub(crate) fn key(&self) -> Key {
        Key { network: self.permit.network, owner: self.permit.buyer, nonce: self.permit.nonce }
    }

    /// The call that settles this payment.
    pub(crate) fn call(&self) -> (Address, Vec<u8>) {
        exact_permit::settle_call(&self.permit, self.permit.buyer, &self.signature)
    }
}

impl Facilitator {
    /// Everything that can be judged without the chain and without a clock.
    pub(crate) fn judge(&self, payment: &Payment, requirements: &Requirements) -> Result<Judged, Reason> {
        let terms = match &requirements.terms {
            Ok(Terms::ExactPermit(terms)) => terms,
            Ok(_) => return Err(Reason::UnsupportedScheme),
            Err(_) => return Err(Reason::InvalidPayload),
        };
        let Ok(Payload::ExactPermit(payload)) = &payment.payload else { return Err(Permit::MissingPermit.into()) };
        let permit = payload.permit.clone();
        if permit.network != terms.common.network || self.grid(permit.network).is_none() {
            return Err(Reason::InvalidNetwork);
        }
        // The window is judged later, against the clock: a late question about a settled payment has an answer.
        let allowed = |network, token| self.config().token(network, token).is_some();
        exact_permit::check::check_tokens(payment, requirements, permit.valid_after, allowed)?;
        let Some(price) = self.config().token(permit.network, permit.token) else {
            return Err(Permit::TokenNotAllowed.into());
        };
        if permit.caller != self.address() {
            return Err(Reason::CallerMismatch);
        }
        let fee = price.fee_for(permit.amount);
        if permit.fee_amount != fee {
            return Err(Permit::FeeAmountMismatch.into());
        }
        if !fee.is_zero() && permit.fee_to != self.fee_to() {
            return Err(Permit::FeeToMismatch.into());
        }
        let signature = Signature::parse(&payload.signature).map_err(|_| Permit::InvalidSignature)?;
        Ok(Judged { permit, signature })
    }

    /// Whether enough of the window is left.
    pub(crate) fn in_time(&self, permit: &Message) -> Result<(), Reason> {
        let now = self.config().clock.now();
        if now < permit.valid_after {
            return Err(Permit::NotYetValid.into());
        }
        if now.saturating_add(self.config().margin.as_secs()) >= permit.valid_before {
            return Err(Permit::Expired.into());
        }
        Ok(())
    }

    /// Runs the settlement without effect and answers the energy it takes. When the contract refuses, the reads
    /// say why: nonce, balance and allowance, in the order in which a payer can do something about them.
    pub(crate) async fn rehearse(&self, grid: &TronGrid, judged: &Judged) -> Result<u64, Reason> {
        let (contract, data) = judged.call();
        let run = grid.simulate(self.address(), contract, data).await.map_err(unavailable)?;
        if run.ok {
            return Ok(run.energy);
        }
        let permit = &judged.permit;
        let due = permit.maximum().ok_or(Reason::InvalidPayload)?;
        let nonce_used = async {
            let output = grid.call(contract, exact_permit::nonce_used_call(permit.buyer, permit.nonce)).await?;
            Ok(abi::decode_bool(&output).unwrap_or(false))
        };
        let (used, balance, allowance) = tokio::try_join!(
            nonce_used,
            grid.balance(permit.token, permit.buyer),
            grid.allowance(permit.token, permit.buyer, contract),
        )
        .map_err(unavailable)?;
        tracing::info!(
            network = permit.network.canonical(),
            revert = run.revert.as_deref().unwrap_or("none"),
            "the contract would refuse a payment"
        );
        Err(match exact_permit::revert_reason(&run.output) {
            _ if used => Reason::NonceAlreadyUsed,
            Some("InvalidTimestamp") => self.in_time(permit).err().unwrap_or(Permit::Expired.into()),
            Some("InvalidSignature") => Permit::InvalidSignature.into(),
            Some("InvalidCaller") => Reason::CallerMismatch,
            _ if balance < due => Reason::InsufficientFunds,
            _ if allowance < due => Reason::InsufficientAllowance,
            _ => Permit::TransactionFailed.into(),
        })
    }

    /// Judges a payment against what the seller asked for: terms, fee, window and signature, then nonce, balance
    /// and allowance by a trial run on the chain. Answers the payer. Nothing is changed anywhere.
    pub async fn verify(&self, payment: &Payment, requirements: &Requirements) -> Result<Address, Rejected> {
        let judged = self.judge(payment, requirements).map_err(|reason| Rejected { reason, payer: None })?;
        let payer = judged.permit.buyer;
        let rejected = |reason| Rejected { reason, payer: Some(payer) };
        if self.flights().is_open(&judged.key(), &judged.permit.digest()) {
            // Sent already, so a trial run may call the nonce used; nobody was told that it is settled.
            return Ok(payer);
        }
        self.in_time(&judged.permit).map_err(rejected)?;
        let grid = self.grid(judged.permit.network).ok_or(rejected(Reason::InvalidNetwork))?;
        self.rehearse(grid, &judged).await.map_err(rejected)?;
        Ok(payer)
    }
}

/// The chain did not answer: no verdict about the payment.
pub(crate) fn unavailable(error: ChainError) -> Reason {
    tracing::warn!(%error, "the chain could not be asked");
    Reason::Unavailable
}
