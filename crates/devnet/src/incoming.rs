//! A transaction that somebody sent, with everything that can be said about it without the chain: its id, its size and
//! who signed it. Finding the signer costs more than all else, so this is done before the chain is locked.

use crate::chain::Refusal;
use crate::vm::Ended;
use tron::tx::TxError;
use tron::{SignedTransaction, TxId, recover};

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
    /// How it ended in a block that was dropped: a block takes it again only where it ends so again.
    pub before: Option<Ended>,
}

impl Incoming {
    pub fn new(transaction: SignedTransaction) -> Self {
        let bytes = u64::try_from(transaction.to_bytes().len()).unwrap_or(u64::MAX).saturating_add(RESULT_BYTES);
        let id = transaction.id();
        Self { id, bytes, signed: signature(&transaction, &id), transaction, before: None }
    }
}

/// The account's own key has to sign, alone: the devnet knows no other permissions.
fn signature(transaction: &SignedTransaction, id: &TxId) -> Result<(), Refusal> {
    let wrong = |reason: String| Err(Refusal::Signature(reason));
    let signature = match transaction.signatures.as_slice() {
        [] => return wrong("miss sig or contract".into()),
        [one] => one,
        more => return wrong(TxError::Signatures { found: more.len() }.to_string()),
    };
    match recover(&id.digest(), signature) {
        Ok(signer) if signer == transaction.raw.owner() => Ok(()),
        Ok(signer) => {
            let signature = hex::encode(signature.to_bytes());
            wrong(format!("{signature} is signed by {signer} but it is not contained of permission."))
        }
        Err(_) => wrong(TxError::NoSigner.to_string()),
    }
}
