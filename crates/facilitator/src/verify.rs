//! Judging a payment: on paper first, then by running the settlement on the chain without effect. One way for all
//! schemes. Refuses what is not exactly what was asked for, and what the contract would refuse.

use crate::{Facilitator, Reason, Verify, flights::Key, quote::FeeCheck, store::State};
use chain::{ChainError, TronGrid};
use tron::Address;
use x402::{InvalidReason as No, Payment, Refusal, Requirements, Scheme, Signed, Terms, scheme::refusal};

/// Why a payment was not accepted, and whose it is as far as that is proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rejected {
    pub reason: Reason,
    pub payer: Option<Address>,
}

/// The name of the authorization.
pub(crate) fn key(signed: &Signed) -> Key {
    let slot = signed.slot;
    Key { network: signed.network, contract: slot.contract, owner: slot.owner, nonce: slot.nonce }
}

impl Facilitator {
    /// Everything that can be judged without the chain and without a clock: that scheme, network and token are
    /// settled here, terms and signature, that we may send it, and the fee.
    pub(crate) fn judge(&self, payment: &Payment, requirements: &Requirements) -> Result<Signed, Reason> {
        let terms = match &requirements.terms {
            Ok(terms @ (Terms::ExactPermit(_) | Terms::ExactEip3009(_) | Terms::ExactPermit2(_))) => terms,
            Ok(_) => return Err(Reason::UnsupportedScheme),
            Err(_) => return Err(Reason::InvalidPayload),
        };
        let by_permit = matches!(terms, Terms::ExactPermit(_));
        let network = terms.network();
        if self.grid(network).is_none() {
            return Err(if by_permit { Reason::InvalidNetwork } else { No::ExactNetwork.into() });
        }
        let Some(settled) = self.config().token(network, terms.token()) else {
            return Err(No::TokenNotAllowed.into());
        };
        if !by_permit && !settled.exact {
            return Err(Reason::UnsupportedScheme);
        }
        if !self.config().payees.serve(terms.payee()) {
            return Err(Reason::PayeeNotServed);
        }
        // The window is judged later, against the clock: a late question about a settled payment has an answer.
        let signed = Signed::of(payment, requirements)?;
        if signed.caller.is_some_and(|caller| !self.addresses().contains(&caller)) {
            return Err(Reason::CallerMismatch);
        }
        if by_permit {
            match self.fee_is_due(network, signed.token, signed.amount, signed.fee) {
                FeeCheck::Due => {}
                FeeCheck::TooLow => return Err(No::FeeAmountMismatch.into()),
                FeeCheck::ToSomebodyElse => return Err(No::FeeToMismatch.into()),
            }
        }
        let free = signed.fee.is_none_or(|fee| fee.amount.is_zero());
        if free && signed.amount < settled.free_from {
            return Err(Reason::AmountTooSmall);
        }
        Ok(signed)
    }

    /// Whether enough of the window is left, by a time that the chain agrees with.
    pub(crate) async fn in_time(&self, grid: &TronGrid, signed: &Signed) -> Result<(), Reason> {
        Ok(signed.in_time(self.time(grid).await?, self.config().margin.as_secs())?)
    }

    /// Runs the settlement without effect, as `signer` would send it, and answers the energy it takes. When the
    /// contract refuses, the reads say why: nonce, balance and allowance, in the order in which a payer can do
    /// something about them.
    pub(crate) async fn rehearse(&self, grid: &TronGrid, signed: &Signed, signer: Address) -> Result<u64, Reason> {
        let (contract, data) = signed.settle_call();
        let run = grid.simulate(signer, contract, data).await.map_err(unavailable)?;
        if run.ok {
            return Ok(run.energy);
        }
        let due = signed.maximum().ok_or(Reason::InvalidPayload)?;
        let nonce_used = async {
            let slot = signed.slot;
            Ok(slot.used(&grid.call(slot.contract, slot.call()).await?).unwrap_or(false))
        };
        let allowance = async {
            match signed.spender {
                None => Ok(due),
                Some(spender) => grid.allowance(signed.token, signed.payer, spender).await,
            }
        };
        let (used, balance, allowance) =
            tokio::try_join!(nonce_used, grid.balance(signed.token, signed.payer), allowance).map_err(unavailable)?;
        tracing::info!(
            network = signed.network.canonical(),
            scheme = signed.scheme.name(),
            revert = run.revert.as_deref().unwrap_or("none"),
            "the contract would refuse a payment"
        );
        let by_permit = signed.scheme == Scheme::ExactPermit;
        Err(match refusal(&run.output) {
            _ if used => Reason::NonceAlreadyUsed,
            Refusal::Window => match self.in_time(grid, signed).await {
                Err(reason) => reason,
                // By our clock it is time, by the newest block's it is not yet, or not any more.
                Ok(()) => {
                    let head = grid.head().await.map_err(unavailable)?.timestamp_ms / 1000;
                    signed.in_time(head, 0).err().map_or(Reason::TRANSACTION_FAILED, Reason::from)
                }
            },
            Refusal::Signature => signature_of(signed.scheme).into(),
            Refusal::Caller => Reason::CallerMismatch,
            _ if balance < due => Reason::InsufficientFunds,
            _ if allowance < due && by_permit => Reason::InsufficientAllowance,
            _ if allowance < due => No::Permit2Allowance.into(),
            _ if by_permit => Reason::TRANSACTION_FAILED,
            _ => No::TransactionState.into(),
        })
    }

    /// Judges a payment against what the seller asked for: terms, fee, window and signature, then, unless the
    /// settings say that paper will do, nonce, balance and allowance by a trial run on the chain. Answers the payer.
    /// Nothing is changed anywhere.
    pub async fn verify(&self, payment: &Payment, requirements: &Requirements) -> Result<Address, Rejected> {
        let signed = self.judge(payment, requirements).map_err(|reason| Rejected { reason, payer: None })?;
        let payer = signed.payer;
        let rejected = |reason| Rejected { reason, payer: Some(payer) };
        if self.was_sent(&signed).map_err(rejected)? {
            // A trial run would call its nonce used.
            return Ok(payer);
        }
        let grid = self.grid(signed.network).ok_or(rejected(Reason::InvalidNetwork))?;
        self.in_time(grid, &signed).await.map_err(rejected)?;
        self.can_afford(signed.payee).map_err(rejected)?;
        if self.config().verify == Verify::Paper {
            return Ok(payer);
        }
        let signer = signed.caller.unwrap_or_else(|| self.address());
        self.rehearse(grid, &signed, signer).await.map_err(rejected)?;
        Ok(payer)
    }

    /// Whether this very message was sent and is still good for whoever asks now: its fate is open, or it is settled and
    /// nobody has heard of it. An error: somebody settles with this nonce, or has.
    fn was_sent(&self, signed: &Signed) -> Result<bool, Reason> {
        if self.flights().is_settling(&key(signed)) {
            return Err(Reason::NonceAlreadyUsed);
        }
        let earlier = self.store().find(&key(signed)).map_err(|error| crate::settle::unwritten(&error))?;
        match earlier {
            None => Ok(false),
            Some(sent) if sent.digest != signed.digest => Err(Reason::NonceAlreadyUsed),
            Some(sent) => match sent.state {
                State::Open if sent.left_at.is_none() => Ok(true),
                State::Open | State::Seen | State::Settled if sent.told || sent.claim.is_some() => {
                    Err(Reason::NonceAlreadyUsed)
                }
                State::Open | State::Seen | State::Settled => Ok(true),
                State::Failing | State::Failed | State::Dead | State::Reversed => Ok(false),
            },
        }
    }
}

fn signature_of(scheme: Scheme) -> No {
    match scheme {
        Scheme::ExactEip3009 => No::ExactSignature,
        Scheme::ExactPermit2 => No::Permit2Signature,
        _ => No::InvalidSignature,
    }
}

/// The chain did not answer: no verdict about the payment.
pub(crate) fn unavailable(error: ChainError) -> Reason {
    tracing::warn!(%error, "the chain could not be asked");
    if error.is_busy() { Reason::Busy } else { Reason::Unavailable }
}
