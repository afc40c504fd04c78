//! A transaction that somebody sent, with everything that can be said about it without the chain: its id, its size, what
//! it says and who signed it. Finding signers costs more than all else, so this is done before the chain is locked.

use crate::action::Action;
use crate::refusal::Refusal;
use crate::vm::Ended;
use crate::wire::{self, Torn};
use sha2::{Digest as _, Sha256};
use tron::foreign::{ForeignTransaction, Message};
use tron::{Address, Signature, SignedTransaction, TxId, recover};

/// Room for the result, which a node counts as bandwidth.
const RESULT_BYTES: u64 = 64;

/// A transaction as it was sent, of any type.
#[derive(Clone, Debug)]
pub struct Sent {
    pub id: TxId,
    /// The raw data as it came, of which the id is the hash.
    pub bytes: Vec<u8>,
    /// What it says; `None` where there is no contract in it, or no sense.
    pub raw: Option<Message>,
    pub signatures: Vec<Vec<u8>>,
}

#[derive(Clone, Debug)]
pub struct Incoming {
    pub sent: Sent,
    /// As bandwidth counts them.
    pub bytes: u64,
    /// Who made each signature, or a node's complaint. A node looks at other things first.
    pub signers: Result<Vec<Address>, String>,
    /// What it does, or why the devnet can't do it.
    pub action: Result<Action, String>,
    /// How it ended in a block that was dropped: a block takes it again only where it ends so again.
    pub before: Option<Ended>,
}

impl Sent {
    pub fn new(bytes: Vec<u8>, signatures: Vec<Vec<u8>>) -> Self {
        let raw = ForeignTransaction::of_raw(&bytes).ok().map(|read| read.raw);
        Self { id: TxId::from_bytes(Sha256::digest(&bytes).into()), bytes, raw, signatures }
    }

    /// Raw data that was read from JSON.
    pub fn of_message(raw: &Message, signatures: Vec<Vec<u8>>) -> Self {
        Self::new(wire::encode(raw), signatures)
    }

    /// A whole transaction's bytes.
    pub fn of_bytes(bytes: &[u8]) -> Result<Self, Torn> {
        let (raw, signatures) = wire::split(bytes)?;
        let sent = Self::new(raw, signatures);
        if sent.raw.is_none() && wire::split(&sent.bytes).is_err() { Err(Torn) } else { Ok(sent) }
    }

    /// The one contract; a node takes no other number of them.
    pub fn contract(&self) -> Option<&Message> {
        let mut contracts = self.raw.as_ref()?.messages("contract");
        contracts.next().filter(|_| contracts.next().is_none())
    }

    /// The account that it acts for.
    pub fn owner(&self) -> Option<Address> {
        self.contract()?.parameter()?.address("owner_address")
    }

    pub fn action(&self) -> Result<Action, String> {
        Action::of(self.contract().ok_or("No contract!")?)
    }

    /// The type's number, and the permission that the signers use.
    pub fn kind(&self) -> i64 {
        self.contract().map_or(0, |contract| contract.int("type"))
    }

    pub fn permission(&self) -> i64 {
        self.contract().map_or(0, |contract| contract.int("Permission_id"))
    }

    pub fn has_memo(&self) -> bool {
        self.raw.as_ref().is_some_and(|raw| !raw.bytes("data").is_empty())
    }

    pub fn expiration_ms(&self) -> u64 {
        self.number("expiration")
    }

    pub fn fee_limit_sun(&self) -> u64 {
        self.number("fee_limit")
    }

    fn number(&self, name: &str) -> u64 {
        self.raw.as_ref().map_or(0, |raw| u64::try_from(raw.int(name)).unwrap_or_default())
    }

    /// The low bytes of a recent block's number and the middle of its id; `None` where they are not as long.
    pub fn reference(&self) -> Option<([u8; 2], [u8; 8])> {
        let raw = self.raw.as_ref()?;
        Some((raw.bytes("ref_block_bytes").try_into().ok()?, raw.bytes("ref_block_hash").try_into().ok()?))
    }

    /// Who made each signature, with its bytes; or what a node says of one that nobody can have made.
    pub fn signers(&self) -> Result<Vec<Address>, String> {
        self.signatures.iter().map(|bytes| signer(&self.id, bytes)).collect()
    }

    pub fn size(&self) -> u64 {
        let whole = wire::join(&self.bytes, &self.signatures).len();
        u64::try_from(whole).unwrap_or(u64::MAX).saturating_add(RESULT_BYTES)
    }
}

impl From<SignedTransaction> for Sent {
    fn from(transaction: SignedTransaction) -> Self {
        let signatures = transaction.signatures.iter().map(|signature| signature.to_bytes().to_vec());
        Self::new(transaction.raw.encode(), signatures.collect())
    }
}

fn signer(id: &TxId, bytes: &[u8]) -> Result<Address, String> {
    // What is behind the 65th byte counts for nothing; v may be 0 or 1 as well.
    let mut bytes: [u8; 65] = match bytes.first_chunk() {
        Some(bytes) => *bytes,
        None => return Err(format!("Signature size is {}", bytes.len())),
    };
    if let [.., v @ (0 | 1)] = &mut bytes {
        *v += 27;
    }
    let found = Signature::from_bytes(&bytes).ok().and_then(|signature| recover(&id.digest(), &signature).ok());
    found.ok_or_else(|| "java.lang.IllegalArgumentException: Invalid point compression".to_owned())
}

impl Incoming {
    pub fn new(sent: Sent) -> Self {
        let (bytes, signers, action) = (sent.size(), sent.signers(), sent.action());
        Self { sent, bytes, signers, action, before: None }
    }

    /// What a node refuses before it looks at the chain.
    pub fn readable(&self) -> Result<&Action, Refusal> {
        self.action.as_ref().map_err(|reason| Refusal::Invalid(reason.clone()))
    }
}
