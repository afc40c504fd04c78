//! Transactions: built from a head, sent, looked up. Refuses a node's word for what a transaction does (nothing
//! is ever built by a node) and to call a transaction lost while it may have arrived.

use crate::{
    BroadcastError, ChainError, Door, TronGrid,
    error::shortened,
    http::{Answer, Node},
};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::Instant;
use tron::{
    Address,
    tx::{Contract, RawTransaction, SignedTransaction, TxId},
};

/// Whether a fact was only seen in a block, or is in a block that can no longer be replaced
/// (about nineteen blocks, one minute, later).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finality {
    Seen,
    Final,
}

/// The newest block a node knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    pub number: u64,
    pub id: [u8; 32],
    pub timestamp_ms: u64,
}

impl Head {
    /// What a transaction names to say which chain it belongs to: the low two bytes of the block's number and
    /// bytes 8 to 16 of its id.
    pub fn ref_block(&self) -> ([u8; 2], [u8; 8]) {
        tron::tx::ref_block(self.number, &self.id)
    }

    /// A transaction that refers to this block and can be included until `lifetime` after it. Both times are the
    /// chain's, so that a wrong clock on this machine changes nothing. The network accepts up to 24 hours.
    pub fn transaction(&self, contract: Contract, fee_limit_sun: u64, lifetime: Duration) -> RawTransaction {
        let (ref_block_bytes, ref_block_hash) = self.ref_block();
        let lifetime_ms = u64::try_from(lifetime.as_millis()).unwrap_or(u64::MAX);
        RawTransaction {
            ref_block_bytes,
            ref_block_hash,
            expiration_ms: self.timestamp_ms.saturating_add(lifetime_ms),
            timestamp_ms: self.timestamp_ms,
            contract,
            fee_limit_sun,
        }
    }
}

/// One event of a receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    pub address: Address,
    pub topics: Vec<[u8; 32]>,
    pub data: Vec<u8>,
}

/// What became of a transaction that is in a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    pub block: u64,
    pub timestamp_ms: u64,
    /// The receipt says so: no word is no success.
    pub success: bool,
    /// The chain's word for the outcome: `SUCCESS`, `REVERT`, `OUT_OF_ENERGY`, … Empty where the node tells none, as
    /// for a plain transfer: then nobody knows yet what became of a contract call.
    pub result: String,
    /// What the contract returned; the revert reason when it reverted.
    pub output: Vec<u8>,
    pub logs: Vec<Log>,
    pub energy: u64,
    /// TRX burnt for it, in sun.
    pub fee_sun: u64,
}

impl Receipt {
    /// It tells an outcome, a good one or a bad one.
    pub fn tells(&self) -> bool {
        !self.result.is_empty()
    }

    /// Two views of one transaction tell different outcomes.
    pub fn contradicts(&self, other: &Self) -> bool {
        self.tells() && other.tells() && self.success != other.success
    }
}

impl TronGrid {
    /// The newest block. Its transactions are not read.
    pub async fn head(&self) -> Result<Head, ChainError> {
        self.head_at(Finality::Seen).await
    }

    /// The newest block that was seen, or the newest that is final.
    pub async fn head_at(&self, finality: Finality) -> Result<Head, ChainError> {
        self.nodes().ask(|node| node.head(finality)).await
    }

    /// Sends these exact bytes to the nodes in order, until one takes them or refuses them, and again while they are
    /// busy. Being known already counts as taken. When an earlier node may have taken them, a later refusal is no
    /// proof and the answer is [`BroadcastError::Unknown`].
    pub async fn broadcast(&self, transaction: &SignedTransaction) -> Result<(), BroadcastError> {
        let body = json!({ "transaction": hex::encode(transaction.to_bytes()) });
        let sent = self.send_until_taken(&body).await;
        self.cache().forget();
        sent
    }

    async fn send_until_taken(&self, body: &Value) -> Result<(), BroadcastError> {
        let (started, mut tries) = (Instant::now(), 0);
        let mut perhaps: Option<ChainError> = None;
        loop {
            let mut busy: Option<ChainError> = None;
            for node in self.nodes().in_order() {
                match send(node, body).await {
                    Sent::Taken => {
                        self.nodes().answered();
                        return Ok(());
                    }
                    Sent::Refused(error) => return Err(perhaps.map_or(error, BroadcastError::Unknown)),
                    Sent::NotTaken(error) => busy = Some(error),
                    Sent::Perhaps(error) => {
                        busy = busy.or_else(|| error.is_busy().then(|| error.clone()));
                        perhaps = Some(error);
                    }
                }
            }
            let wait = match &busy {
                Some(busy) => self.nodes().next_pause(busy, tries, started),
                // Once more: "already known" says that the first one arrived after all.
                None => (tries == 0).then_some(Duration::ZERO),
            };
            tries += 1;
            match (wait, perhaps.clone(), busy) {
                (Some(wait), ..) => tokio::time::sleep(wait).await,
                (None, Some(error), _) => return Err(BroadcastError::Unknown(error)),
                (None, None, Some(error)) => return Err(BroadcastError::Busy(error)),
                (None, None, None) => {
                    return Err(BroadcastError::Other { code: "NO_NODE".into(), message: "none configured".into() });
                }
            }
        }
    }

    /// The outcome of a transaction, or `None` while it is in no block (of that finality).
    pub async fn receipt(&self, id: &TxId, finality: Finality) -> Result<Option<Receipt>, ChainError> {
        self.nodes().ask(|node| node.receipt(id, finality)).await
    }
}

pub(crate) fn read_receipt(answer: &Answer) -> Result<Receipt, ChainError> {
    let logs = answer.array("/log")?.iter().enumerate();
    let failed = answer.get("/result").and_then(Value::as_str) == Some("FAILED");
    // DEFAULT is the field's zero: nothing was said.
    let said = answer.get("/receipt/result").and_then(Value::as_str).filter(|said| *said != "DEFAULT");
    let result = shortened(said.unwrap_or(if failed { "FAILED" } else { "" }));
    let output = match answer.array("/contractResult")? {
        [] => Vec::new(),
        _ => answer.hex("/contractResult/0")?,
    };
    Ok(Receipt {
        block: answer.number("/blockNumber")?,
        timestamp_ms: answer.number_or_zero("/blockTimeStamp")?,
        success: !failed && result == "SUCCESS",
        result,
        output,
        logs: logs.map(|(i, log)| read_log(answer, i, log)).collect::<Result<_, _>>()?,
        energy: answer.number_or_zero("/receipt/energy_usage_total")?,
        fee_sun: answer.number_or_zero("/fee")?,
    })
}

fn read_log(answer: &Answer, index: usize, log: &Value) -> Result<Log, ChainError> {
    let at = |part: &str| format!("/log/{index}/{part}");
    // 20 bytes without the network byte here; 21 from some nodes.
    let address = answer.hex(&at("address"))?;
    let address = match <[u8; 20]>::try_from(address.as_slice()) {
        Ok(bytes) => Address::from_bytes(bytes),
        Err(_) => Address::from_bytes21(&address).map_err(|e| answer.unexpected(&at("address"), e, "an address"))?,
    };
    let topics = log.get("topics").and_then(Value::as_array).map_or(0, Vec::len);
    let topics = (0..topics).map(|t| answer.hex_array(&at(&format!("topics/{t}")))).collect::<Result<_, _>>()?;
    let data = if log.get("data").is_none() { Vec::new() } else { answer.hex(&at("data"))? };
    Ok(Log { address, topics, data })
}

enum Sent {
    Taken,
    /// A definite no that every node would give.
    Refused(BroadcastError),
    /// This node did not take it; another may.
    NotTaken(ChainError),
    Perhaps(ChainError),
}

async fn send(node: &Node, body: &Value) -> Sent {
    let answer = match node.post(Door::Wallet, "broadcasthex", body).await {
        Ok(answer) => answer,
        // A gateway that counts questions did not pass it on; one that got no answer may have.
        Err(error @ ChainError::Busy { too_many: true, .. }) => return Sent::NotTaken(error),
        Err(error) => return Sent::Perhaps(error),
    };
    let accepted = answer.get("/result").and_then(Value::as_bool) == Some(true);
    let code = answer.get("/code").and_then(Value::as_str).unwrap_or(if accepted { "SUCCESS" } else { "OTHER_ERROR" });
    let message = answer.message("/message");
    tracing::debug!(node = node.label, code, "a broadcast was answered");
    match code {
        "SUCCESS" if accepted => Sent::Taken,
        "DUP_TRANSACTION_ERROR" => Sent::Taken,
        "TAPOS_ERROR" => Sent::Refused(BroadcastError::Tapos),
        "TRANSACTION_EXPIRATION_ERROR" => Sent::Refused(BroadcastError::Expired),
        "SIGERROR" => Sent::Refused(BroadcastError::Signature { message }),
        "BANDWITH_ERROR" => Sent::Refused(BroadcastError::Funds { code: code.into(), message }),
        "CONTRACT_VALIDATE_ERROR" | "CONTRACT_EXE_ERROR" | "TOO_BIG_TRANSACTION_ERROR" => {
            Sent::Refused(BroadcastError::Other { code: shortened(code), message })
        }
        "SERVER_BUSY" | "NO_CONNECTION" | "BLOCK_UNSOLIDIFIED" => Sent::NotTaken(answer.no(code, "/message")),
        // NOT_ENOUGH_EFFECTIVE_CONNECTION may be answered after the node has put it into its own pool, and
        // OTHER_ERROR stands for anything: neither proves that nothing was sent.
        other => Sent::Perhaps(answer.no(other, "/message")),
    }
}
