//! What a fork takes back from a shop: settlements that were only seen are asked about until they are final, and a
//! reversal is told. Refuses to forget one before its permission is long over, and to keep a shop that has closed.

use crate::{
    FacilitatorClient, FacilitatorError, Price,
    book::{Book, Key, Pages},
    listed::Listed,
};
use serde_json::Value;
use std::{
    sync::{Arc, Mutex, Weak},
    time::Duration,
};
use tron::{Address, Network};
use x402::{PaymentId, U256};

/// A settlement for which something was delivered, or is owed, and which a fork has taken back.
#[derive(Clone, Debug, PartialEq)]
pub struct Reversal {
    pub network: Network,
    pub payer: Address,
    pub nonce: U256,
    /// Under which it was settled.
    pub transaction: Option<String>,
    /// The buyer's own id for the payment.
    pub id: Option<PaymentId>,
    /// What it paid; `None` where an earlier process of the shop took it.
    pub price: Option<Price>,
    pub turn: Turn,
}

/// Which way it went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// The seller was not paid. The facilitator's reason; and until when, in seconds since 1970, it tries to settle the
    /// payment all the same: `None` when nothing can come of it any more. With `nonce_already_used` another transaction
    /// has used the permission: look whether it paid you.
    Reversed { reason: String, may_still_settle_until: Option<u64> },
    /// The seller was paid after all.
    SettledAgain,
}

pub(crate) type OnReversal = Arc<dyn Fn(&Reversal) + Send + Sync>;

/// A settlement that is not known to be final.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Watched {
    /// Then nobody asks any more; seconds since 1970.
    pub until: u64,
    /// That it was reversed was told.
    pub told: bool,
}

/// What the book knows about a payment that was reversed.
pub(crate) struct Taken {
    pub price: Option<Price>,
    pub transaction: Option<String>,
    pub id: Option<PaymentId>,
}

/// What the facilitator says became of a payment.
#[derive(Debug, PartialEq, Eq)]
enum Now {
    Final,
    Seen,
    Unknown,
    Reversed { reason: String, until: Option<u64> },
}

/// Who looks after what is not final.
pub(crate) struct Watch {
    pub facilitator: FacilitatorClient,
    pub listed: Arc<Listed>,
    pub clock: Arc<dyn Fn() -> u64 + Send + Sync>,
    pub every: Duration,
    pub tell: Option<OnReversal>,
}

impl Book {
    /// Whether somebody has to begin to look after what is not final; from now on it counts as looked after.
    pub(crate) fn begin_watch(&self) -> bool {
        let mut pages = self.pages();
        let begins = !pages.watching && !pages.watched.is_empty();
        pages.watching |= begins;
        begins
    }
}

impl Watch {
    /// Until nothing is left to look after, or the shop is gone.
    pub(crate) async fn run(self, book: Weak<Mutex<Pages>>) {
        loop {
            tokio::time::sleep(self.every).await;
            let Some(book) = Book::of(&book) else { return };
            let now = (self.clock)();
            let watched: Vec<(Key, Watched)> = {
                let mut pages = book.pages();
                pages.watched.retain(|_, watched| watched.until > now);
                if pages.watched.is_empty() {
                    pages.watching = false;
                    return;
                }
                pages.watched.iter().map(|(key, watched)| (*key, *watched)).collect()
            };
            match self.listed.knows_final(&self.facilitator, now).await {
                Ok(true) => {}
                // Nobody there can tell.
                Ok(false) => {
                    let mut pages = book.pages();
                    pages.watched.clear();
                    pages.watching = false;
                    return;
                }
                Err(error) => {
                    tracing::debug!(%error, "the facilitator can't be asked what became of its settlements");
                    continue;
                }
            }
            for (key, watched) in watched {
                match self.facilitator.payments(&key).await {
                    Ok(rows) => self.heard(&book, key, watched, read(&rows), now).await,
                    Err(error @ FacilitatorError::Unreachable { .. }) => {
                        tracing::debug!(%error, "the facilitator can't be asked what became of its settlements");
                        break;
                    }
                    Err(error) => tracing::debug!(%error, "what became of a settlement is not known"),
                }
            }
        }
    }

    async fn heard(&self, book: &Book, key: Key, watched: Watched, found: Now, now: u64) {
        match found {
            Now::Unknown => {}
            Now::Seen | Now::Final => {
                if watched.told {
                    self.turned(book, key, Turn::SettledAgain, now).await;
                }
                let mut pages = book.pages();
                match found {
                    Now::Final => _ = pages.watched.remove(&key),
                    _ => _ = pages.watched.insert(key, Watched { told: false, ..watched }),
                }
            }
            Now::Reversed { reason, until } => {
                if !watched.told || until.is_none() {
                    self.turned(book, key, Turn::Reversed { reason, may_still_settle_until: until }, now).await;
                }
                let mut pages = book.pages();
                match until {
                    Some(_) => _ = pages.watched.insert(key, Watched { told: true, ..watched }),
                    None => _ = pages.watched.remove(&key),
                }
            }
        }
    }

    async fn turned(&self, book: &Book, key: Key, turn: Turn, now: u64) {
        let why = match &turn {
            Turn::Reversed { reason, .. } => Some(reason.clone()),
            Turn::SettledAgain => None,
        };
        let Taken { price, transaction, id } = book.reversed(key, why, now).await;
        let (network, payer) = (key.network.canonical(), key.payer);
        match &turn {
            Turn::Reversed { reason, may_still_settle_until } => tracing::error!(
                network, %payer, transaction, reason, may_still_settle_until,
                "a fork has taken back a settlement for which something was delivered"
            ),
            Turn::SettledAgain => {
                tracing::warn!(network, %payer, transaction, "a settlement that a fork took back is settled again");
            }
        }
        if let Some(tell) = &self.tell {
            let Key { network, payer, nonce, .. } = key;
            tell(&Reversal { network, payer, nonce, transaction, id, price, turn });
        }
    }
}

/// What the rows of one nonce come to: one that succeeded counts before one that did not.
fn read(rows: &[Value]) -> Now {
    let text = |row: &Value, name: &str| row.get(name).and_then(Value::as_str).map(str::to_owned);
    let with = |status: &str| rows.iter().find(|row| text(row, "status").as_deref() == Some(status));
    if let Some(row) = with("success") {
        return if text(row, "finality").as_deref() == Some("final") { Now::Final } else { Now::Seen };
    }
    if with("pending").is_some() {
        return Now::Unknown;
    }
    let Some(row) = with("reversed").or_else(|| with("failed")) else { return Now::Unknown };
    let reason = text(row, "errorReason").unwrap_or_default();
    let until = row.get("mayStillSettleUntil").and_then(Value::as_u64);
    Now::Reversed { reason: x402::shown(&reason), until }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_succeeded_counts_before_what_did_not() {
        let row = |status: &str, finality: Option<&str>| json!({ "status": status, "finality": finality });
        let until = json!({ "status": "reversed", "errorReason": "insufficient_funds", "mayStillSettleUntil": 7 });
        let reversed = |reason: &str, until| Now::Reversed { reason: reason.to_owned(), until };
        for (rows, now) in [
            (vec![], Now::Unknown),
            (vec![json!("no row")], Now::Unknown),
            (vec![row("success", Some("final"))], Now::Final),
            (vec![row("success", Some("seen")), row("failed", Some("final"))], Now::Seen),
            (vec![row("failed", Some("final")), row("success", Some("final"))], Now::Final),
            (vec![row("pending", None), row("failed", Some("final"))], Now::Unknown),
            (vec![until], reversed("insufficient_funds", Some(7))),
            (vec![row("failed", Some("final"))], reversed("", None)),
        ] {
            assert_eq!(read(&rows), now, "{rows:?}");
        }
    }
}
