//! What became of a transaction, as it turns out: each step is written where the row allows it. Refuses to change what
//! is known for good, and a second transaction that takes a place which is taken already.

use super::{
    Store, StoreError,
    sent::{Sent, insert, select, whole},
};
use rusqlite::{OptionalExtension, ToSql, params};
use tron::{Address, Network, TxId};
use x402::U256;

/// The most rows of an answer.
const MOST: usize = 100;

/// What was found out about a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// It is in a block that may still be dropped, and moved the money.
    Seen { block: u64 },
    /// It moved the money, for good.
    Settled,
    /// It is in a block that may still be dropped, without effect.
    Failing { block: u64, reason: &'static str },
    /// Without effect, for good. Without a reason the one that is written down stays.
    Failed { reason: Option<&'static str> },
    /// In no block, and never in one.
    Dead,
    /// The chain has dropped what was seen.
    Left,
    /// What was dropped can't be sent again now.
    Stays { reason: &'static str },
    /// What was dropped is never settled any more.
    Reversed { reason: &'static str },
}

/// Which transactions are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    Transaction(TxId),
    Nonce { network: Network, nonce: U256, asset: Option<Address>, payer: Option<Address> },
}

impl Store {
    /// Writes down what was found out; whether that was news. What is known for good stays.
    pub(crate) async fn turn(&self, id: TxId, news: News, now: u64) -> Result<bool, StoreError> {
        let from = if news == News::Left { "state = 'seen'" } else { "state IN ('open', 'seen', 'failing')" };
        let (set, one, two): (&str, Box<dyn ToSql + Send>, Box<dyn ToSql + Send>) = match news {
            News::Seen { block } => (
                "state = 'seen', block = ?2, ended_at = ?3, left_at = NULL, reason = NULL",
                Box::new(whole(block)),
                Box::new(whole(now)),
            ),
            News::Settled => (
                "state = 'settled', reason = ?2, left_at = NULL, ended_at = ?3",
                Box::new(None::<String>),
                Box::new(whole(now)),
            ),
            News::Failing { block, reason } => {
                ("state = 'failing', block = ?2, reason = ?3", Box::new(whole(block)), Box::new(reason))
            }
            News::Failed { reason } => (
                "state = 'failed', reason = coalesce(?2, reason), ended_at = ?3",
                Box::new(reason),
                Box::new(whole(now)),
            ),
            News::Dead => ("state = 'dead', block = ?2, ended_at = ?3", Box::new(None::<i64>), Box::new(whole(now))),
            News::Left => (
                "state = 'open', block = NULL, left_at = ?2, reason = ?3",
                Box::new(whole(now)),
                Box::new(None::<String>),
            ),
            News::Stays { reason } => {
                ("reason = ?2, left_at = coalesce(left_at, ?3)", Box::new(reason), Box::new(whole(now)))
            }
            News::Reversed { reason } => {
                ("state = 'reversed', block = NULL, reason = ?2, ended_at = ?3", Box::new(reason), Box::new(whole(now)))
            }
        };
        let sql = format!("UPDATE sent SET {set} WHERE transaction_id = ?1 AND {from}");
        self.write_aside(move |tx| Ok(tx.prepare_cached(&sql)?.execute(params![id.to_string(), one, two])? > 0)).await
    }

    /// Notes another transaction for an authorization whose one is dead, in the same moment in which that is written
    /// down. Who was told of the success, and who may be, goes over. `false`: somebody else was faster.
    pub(crate) async fn replace(&self, old: TxId, new: Sent, now: u64) -> Result<bool, StoreError> {
        self.write_aside(move |tx| {
            let old = old.to_string();
            let told: Option<Option<i64>> = tx
                .prepare_cached("SELECT told_at FROM sent WHERE transaction_id = ?1 AND state = 'open'")?
                .query_row([&old], |row| row.get(0))
                .optional()?;
            let Some(told_at) = told else { return Ok(false) };
            tx.execute(
                "UPDATE sent SET state = 'dead', ended_at = ?2 WHERE transaction_id = ?1",
                params![old, whole(now)],
            )?;
            insert(tx, &new, told_at, now)?;
            Ok(true)
        })
        .await
    }

    /// The newest first.
    pub(crate) fn transactions(&self, which: &Which) -> Result<Vec<Sent>, StoreError> {
        self.read(|connection| match which {
            Which::Transaction(id) => select(connection, "transaction_id = ?1", &[&id.to_string()]),
            Which::Nonce { network, nonce, asset, payer } => select(
                connection,
                &format!(
                    "nonce = ?1 AND network = ?2 AND (?3 IS NULL OR token = ?3) AND (?4 IS NULL OR owner = ?4) \
                     ORDER BY noted_at DESC, rowid DESC LIMIT {MOST}"
                ),
                &[
                    &nonce.to_string(),
                    &network.canonical(),
                    &asset.map(|asset| asset.to_string()),
                    &payer.map(|payer| payer.to_string()),
                ],
            ),
        })
    }
}
