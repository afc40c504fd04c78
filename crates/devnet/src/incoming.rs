//! A transaction that somebody sent, with everything that can be said about it without the chain: its id, its size and
//! who signed it. Finding the signer costs more than all else, so this is done before the chain is locked.

use crate::chain::Refusal;
use tron::{SignedTransaction, TxId};

/// Room for the result, which a node counts as bandwidth.
const RESULT_BYTES: u64 = 64;

#[derive(Debug)]
pub struct Incoming {
    pub transaction: SignedTransaction,
    pub id: TxId,
    /// As bandwidth counts them.
    pub bytes: u64,
    /// Whether the account's own key signed it. A node looks at other things first.
    pub signed: Result<(), Refusal>,
}

impl Incoming {
    pub fn new(transaction: SignedTransaction) -> Self {
        let bytes = u64::try_from(transaction.to_bytes().len()).unwrap_or(u64::MAX).saturating_add(RESULT_BYTES);
        Self { id: transaction.id(), bytes, signed: signature(&transaction), transaction }
    }
}

/// The account's own key has to sign, alone: the devnet knows no other permissions.
fn signature(transaction: &SignedTransaction) -> Result<(), Refusal> {
    if transaction.signatures.is_empty() {
        return Err(Refusal::Signature("miss sig or contract".into()));
    }
    let owner = transaction.raw.owner();
    match transaction.signer() {
        Ok(signer) if signer == owner => Ok(()),
        Ok(signer) => {
            let signature = transaction.signatures.first().map(|s| hex::encode(s.to_bytes())).unwrap_or_default();
            Err(Refusal::Signature(format!("{signature} is signed by {signer} but it is not contained of permission.")))
        }
        Err(error) => Err(Refusal::Signature(error.to_string())),
    }
}
