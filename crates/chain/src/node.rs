//! The questions that one node answers by itself. Where it has no solidified door (`walletsolidity/`), what is final is
//! told by the number of its own solid block.

use crate::{
    ChainError, Door, Finality, Head, Receipt, Simulation,
    grid::read_simulation,
    http::{Answer, Node},
    solid::Info,
    transaction::read_receipt,
};
use serde_json::{Value, json};
use tron::{Address, tx::TxId};

impl Node {
    pub(crate) async fn head(&self, finality: Finality) -> Result<Head, ChainError> {
        match finality {
            Finality::Seen => read_head(&self.post(Door::Wallet, "getnowblock", &json!({})).await?),
            Finality::Final => match self.post(Door::Solidity, "getnowblock", &json!({})).await {
                Ok(answer) => read_head(&answer),
                Err(ChainError::NoDoor { .. }) => {
                    let solid = self.info().await?.solid;
                    self.block(solid.number, Some(solid.id)).await
                }
                Err(error) => Err(error),
            },
        }
    }

    /// A block of the node's chain; with `id` only that very one.
    pub(crate) async fn block(&self, number: u64, id: Option<[u8; 32]>) -> Result<Head, ChainError> {
        let answer = self.post(Door::Wallet, "getblockbynum", &json!({ "num": number })).await?;
        let head = read_head(&answer)?;
        match id {
            Some(id) if id != head.id => Err(answer.unexpected("/blockID", hex::encode(head.id), &hex::encode(id))),
            _ => Ok(head),
        }
    }

    pub(crate) async fn receipt(&self, id: &TxId, finality: Finality) -> Result<Option<Receipt>, ChainError> {
        let body = json!({ "value": id.to_string() });
        let ask = |door| self.post(door, "gettransactioninfobyid", &body);
        if finality == Finality::Seen {
            return of_transaction(&ask(Door::Wallet).await?, id);
        }
        match ask(Door::Solidity).await {
            Ok(answer) => of_transaction(&answer, id),
            Err(ChainError::NoDoor { .. }) => {
                // In this order: what is read afterwards can't be older than the block that is final already.
                let solid = self.info().await?.solid.number;
                let receipt = of_transaction(&ask(Door::Wallet).await?, id)?;
                Ok(receipt.filter(|receipt| receipt.block <= solid))
            }
            Err(error) => Err(error),
        }
    }

    /// A trial run as a call of `triggerconstantcontract`.
    pub(crate) async fn run(&self, finality: Finality, body: &Value) -> Result<Simulation, ChainError> {
        let ask = |door| self.post(door, "triggerconstantcontract", body);
        if finality == Finality::Seen {
            return read_simulation(&ask(Door::Wallet).await?);
        }
        match ask(Door::Solidity).await {
            Ok(answer) => read_simulation(&answer),
            Err(ChainError::NoDoor { .. }) => {
                let run = read_simulation(&ask(Door::Wallet).await?)?;
                match self.was_so(&body.to_string(), &run).await? {
                    true => Ok(run),
                    false => {
                        let call = "triggerconstantcontract".to_owned();
                        Err(ChainError::NotFinalYet { node: self.label.clone(), call })
                    }
                }
            }
            Err(error) => Err(error),
        }
    }

    pub(crate) async fn has_code(&self, address: Address) -> Result<bool, ChainError> {
        let body = json!({ "value": address.to_string(), "visible": true });
        let answer = self.post(Door::Wallet, "getcontract", &body).await?;
        Ok(answer.get("/bytecode").and_then(Value::as_str).is_some_and(|code| !code.is_empty()))
    }

    pub(crate) async fn info(&self) -> Result<Info, ChainError> {
        Info::read(&self.post(Door::Wallet, "getnodeinfo", &json!({})).await?)
    }

    /// See [`crate::TronGrid::chain_id`].
    pub(crate) async fn chain_id(&self, expected: u64) -> Result<u64, ChainError> {
        let genesis = self.genesis_chain_id().await?;
        if genesis == expected {
            return Ok(genesis);
        }
        match self.stated_chain_id().await {
            Ok(stated) => Ok(stated),
            Err(error) if error.is_busy() => Err(error),
            Err(_) => Ok(genesis),
        }
    }

    pub(crate) async fn genesis_chain_id(&self) -> Result<u64, ChainError> {
        let genesis = self.block(0, None).await?;
        let [.., a, b, c, d] = genesis.id;
        Ok(u64::from(u32::from_be_bytes([a, b, c, d])))
    }

    /// `eth_chainId`.
    pub(crate) async fn stated_chain_id(&self) -> Result<u64, ChainError> {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": [] });
        let answer = self.post(Door::JsonRpc, "", &body).await?;
        let text = answer.text("/result")?;
        let id = text.strip_prefix("0x").and_then(|digits| u64::from_str_radix(digits, 16).ok());
        id.ok_or_else(|| answer.unexpected("/result", text, "0x and a hexadecimal number"))
    }
}

fn of_transaction(answer: &Answer, id: &TxId) -> Result<Option<Receipt>, ChainError> {
    if answer.is_empty_object() {
        return Ok(None);
    }
    match answer.text("/id")? {
        other if other != id.to_string() => Err(answer.unexpected("/id", other, &id.to_string())),
        _ => read_receipt(answer).map(Some),
    }
}

fn read_head(answer: &Answer) -> Result<Head, ChainError> {
    let head = Head {
        number: answer.number_or_zero("/block_header/raw_data/number")?,
        id: answer.hex_array("/blockID")?,
        timestamp_ms: answer.number_or_zero("/block_header/raw_data/timestamp")?,
    };
    // A block id begins with its number: a cheap check that the answer belongs together.
    if head.id[..8] != head.number.to_be_bytes() {
        return Err(answer.unexpected("/blockID", hex::encode(head.id), "an id that begins with the block number"));
    }
    Ok(head)
}
