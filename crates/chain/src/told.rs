//! A node's own words about a transaction, whole, for a person to read. Nothing is decided by them: what counts is
//! read field by field into a [`crate::Receipt`].

use crate::{ChainError, Door, TronGrid, http::Answer};
use serde_json::{Value, json};
use tron::{Address, tx::TxId};

impl TronGrid {
    /// The transaction as a node keeps it, sent or in a block; `None` where it knows none of this id.
    pub async fn told_transaction(&self, id: &TxId) -> Result<Option<Value>, ChainError> {
        self.told("gettransactionbyid", id).await
    }

    /// The receipt as a node writes it; `None` while the transaction is in no block.
    pub async fn told_receipt(&self, id: &TxId) -> Result<Option<Value>, ChainError> {
        self.told("gettransactioninfobyid", id).await
    }

    /// An account as a node keeps it; `None` for one that was never used.
    pub async fn told_account(&self, owner: Address) -> Result<Option<Value>, ChainError> {
        let body = json!({ "address": owner.to_string(), "visible": true });
        whole(self.nodes().read(Door::Wallet, "getaccount", &body).await?)
    }

    async fn told(&self, call: &str, id: &TxId) -> Result<Option<Value>, ChainError> {
        whole(self.nodes().read(Door::Wallet, call, &json!({ "value": id.to_string() })).await?)
    }
}

fn whole(answer: Answer) -> Result<Option<Value>, ChainError> {
    Ok(answer.get("").filter(|_| !answer.is_empty_object()).cloned())
}
