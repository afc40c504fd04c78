//! Transactions that were about to leave, what became of them, and who was told. The table itself refuses a second
//! transaction for one authorization until the first is dead, and to tell a success to a second caller.

use super::{Store, StoreError};
use crate::flights::Key;
use rusqlite::{Connection, OptionalExtension, Row, named_params, params};
use sha2::{Digest as _, Sha256};
use std::{collections::HashMap, str::FromStr};
use tron::{Address, Amount, Digest, Network, TxId};
use x402::{U256, facilitator::IdempotencyKey};

/// The hash of an [`IdempotencyKey`]: enough to know it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Claim(String);

impl Claim {
    pub(crate) fn of(key: &IdempotencyKey) -> Self {
        Self(hex::encode(Sha256::digest(key.as_str())))
    }
}

/// One transaction, with everything that is needed to look at what it did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    pub id: TxId,
    pub key: Key,
    pub digest: Digest,
    pub scheme: String,
    /// Seconds since 1970.
    pub valid_before: u64,
    pub token: Address,
    pub payee: Address,
    pub amount: Amount,
    /// To whom and how much, on top of the amount.
    pub fee: Option<(Address, Amount)>,
    pub signer: Address,
    /// The signed transaction as it travels.
    pub bytes: Vec<u8>,
    /// Milliseconds since 1970; no block after this takes it.
    pub expiration_ms: u64,
    pub state: State,
    /// Of the caller for whom it was sent.
    pub claim: Option<Claim>,
    /// Whether its success was told to somebody.
    pub told: bool,
    /// Where it was seen, as long as it is there.
    pub block: Option<u64>,
    /// Since when the chain has dropped what was seen, in seconds since 1970.
    pub left_at: Option<u64>,
    /// Why it failed, or why it can't be sent again: a code.
    pub reason: Option<String>,
    /// In seconds since 1970.
    pub noted_at: u64,
}

/// What is known about a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Open,
    /// In a block that may still be dropped; it moved the money.
    Seen,
    /// The same, for good.
    Settled,
    /// In a block that may still be dropped, without effect.
    Failing,
    /// The same, for good.
    Failed,
    /// In no block, and never in one.
    Dead,
    /// It was seen, the chain has dropped it, and nothing settles its authorization any more.
    Reversed,
}

impl State {
    const ALL: [Self; 7] =
        [Self::Open, Self::Seen, Self::Settled, Self::Failing, Self::Failed, Self::Dead, Self::Reversed];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Seen => "seen",
            Self::Settled => "settled",
            Self::Failing => "failing",
            Self::Failed => "failed",
            Self::Dead => "dead",
            Self::Reversed => "reversed",
        }
    }
}

const COLUMNS: &str = "transaction_id, network, contract, owner, nonce, digest, scheme, valid_before, token, payee, \
     amount, fee_to, fee_amount, signer, bytes, expiration_ms, state, claim, block, left_at, reason, noted_at";

impl Store {
    /// Notes a transaction before it is sent; nothing may be sent when this fails. `now`: seconds since 1970.
    pub(crate) async fn note(&self, sent: Sent, now: u64) -> Result<(), StoreError> {
        self.write_aside(move |tx| {
            // No node took it, and nothing has changed since: it is the very same transaction again.
            let sql = "DELETE FROM sent WHERE transaction_id = ?1 AND state = 'dead'";
            tx.prepare_cached(sql)?.execute([sent.id.to_string()])?;
            insert(tx, &sent, None, now)
        })
        .await
    }

    /// Whether this caller is the one to hear of the success; from now on nobody else is. The first to ask is, unless
    /// the transaction was sent for a caller with a key: then, and for who has heard of it with one, the key decides.
    pub(crate) async fn tell(&self, id: TxId, claim: Option<Claim>, now: u64) -> Result<bool, StoreError> {
        self.write_aside(move |tx| {
            let sql = "UPDATE sent SET told_at = ?3, claim = coalesce(claim, ?2) WHERE transaction_id = ?1 \
                       AND state IN ('open', 'seen', 'settled') AND CASE WHEN claim IS NULL THEN told_at IS NULL ELSE claim IS ?2 END";
            let told = tx.prepare_cached(sql)?.execute(params![id.to_string(), claim.map(|c| c.0), whole(now)])?;
            Ok(told > 0)
        })
        .await
    }

    /// The answer never left: the next one hears of the success. Waits for the disk.
    pub(crate) fn untell(&self, id: TxId) -> Result<(), StoreError> {
        self.write(|tx| {
            tx.execute("UPDATE sent SET told_at = NULL WHERE transaction_id = ?1", [id.to_string()])?;
            Ok(())
        })
    }

    /// The transaction of an authorization, unless it is dead.
    pub(crate) fn find(&self, key: &Key) -> Result<Option<Sent>, StoreError> {
        self.read(|connection| {
            let sql = format!(
                "SELECT {COLUMNS}, told_at FROM sent WHERE network = ?1 AND contract = ?2 AND owner = ?3 AND nonce = ?4 \
                 AND state <> 'dead'"
            );
            let mut statement = connection.prepare_cached(&sql)?;
            let (contract, owner, nonce) = (key.contract.to_string(), key.owner.to_string(), key.nonce.to_string());
            let found = statement
                .query_row(params![key.network.canonical(), contract, owner, nonce], |row| Ok(read(row)))
                .optional()?;
            found.transpose()
        })
    }

    /// Those whose fate is not known for good, the oldest first.
    pub(crate) fn followed(&self) -> Result<Vec<Sent>, StoreError> {
        self.read(|connection| {
            let sql = format!(
                "SELECT {COLUMNS}, told_at FROM sent WHERE state IN ('open', 'seen', 'failing') ORDER BY noted_at, rowid"
            );
            let mut statement = connection.prepare_cached(&sql)?;
            let rows = statement.query_map([], |row| Ok(read(row)))?;
            rows.map(|row| row?).collect()
        })
    }

    /// How many transactions of each account have no known fate.
    pub(crate) fn stuck(&self) -> Result<HashMap<Address, usize>, StoreError> {
        let mut stuck = HashMap::new();
        self.read(|connection| {
            let mut statement = connection.prepare_cached("SELECT signer FROM sent WHERE state = 'open'")?;
            let rows = statement.query_map([], |row| Ok(read_as(row, "signer")))?;
            for row in rows {
                *stuck.entry(row??).or_default() += 1;
            }
            Ok(())
        })?;
        Ok(stuck)
    }

    /// Forgets what ended and whose window closed before `before`, seconds since 1970. Answers how many.
    pub(crate) async fn prune(&self, before: u64) -> Result<usize, StoreError> {
        self.write_aside(move |tx| {
            let over =
                "DELETE FROM sent WHERE state IN ('settled', 'failed', 'dead', 'reversed') AND valid_before < ?1";
            let pruned = tx.execute(over, [whole(before)])?;
            tx.execute("DELETE FROM prices WHERE until < ?1", [whole(before)])?;
            Ok(pruned)
        })
        .await
    }
}

/// A new row; `told_at`: when the success of its authorization was told before.
pub(super) fn insert(tx: &Connection, sent: &Sent, told_at: Option<i64>, now: u64) -> Result<(), StoreError> {
    let sql = format!(
        "INSERT INTO sent ({COLUMNS}, told_at) VALUES (:transaction_id, :network, :contract, :owner, :nonce, \
         :digest, :scheme, :valid_before, :token, :payee, :amount, :fee_to, :fee_amount, :signer, :bytes, \
         :expiration_ms, :state, :claim, :block, :left_at, :reason, :now, :told_at)"
    );
    tx.prepare_cached(&sql)?.execute(named_params! {
        ":transaction_id": sent.id.to_string(),
        ":network": sent.key.network.canonical(),
        ":contract": sent.key.contract.to_string(),
        ":owner": sent.key.owner.to_string(),
        ":nonce": sent.key.nonce.to_string(),
        ":digest": sent.digest.to_string(),
        ":scheme": sent.scheme,
        ":valid_before": whole(sent.valid_before),
        ":token": sent.token.to_string(),
        ":payee": sent.payee.to_string(),
        ":amount": sent.amount.to_string(),
        ":fee_to": sent.fee.map(|(to, _)| to.to_string()),
        ":fee_amount": sent.fee.map(|(_, amount)| amount.to_string()),
        ":signer": sent.signer.to_string(),
        ":bytes": sent.bytes,
        ":expiration_ms": whole(sent.expiration_ms),
        ":state": sent.state.name(),
        ":claim": sent.claim.as_ref().map(|claim| &claim.0),
        ":block": sent.block.map(whole),
        ":left_at": sent.left_at.map(whole),
        ":reason": sent.reason,
        ":now": whole(now),
        ":told_at": told_at,
    })?;
    Ok(())
}

/// The rows that a condition finds; their columns come first.
pub(super) fn select(
    connection: &Connection,
    condition: &str,
    values: &[&dyn rusqlite::ToSql],
) -> Result<Vec<Sent>, StoreError> {
    let mut statement = connection.prepare_cached(&format!("SELECT {COLUMNS}, told_at FROM sent WHERE {condition}"))?;
    let rows = statement.query_map(values, |row| Ok(read(row)))?;
    rows.map(|row| row?).collect()
}

/// SQLite's integers end at 2^63: long before that is for ever.
pub(super) fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn read_as<T: FromStr>(row: &Row<'_>, what: &'static str) -> Result<T, StoreError> {
    let found: String = row.get(what)?;
    found.parse().map_err(|_| StoreError::Row { what, found })
}

pub(super) fn read_amount(row: &Row<'_>, what: &'static str) -> Result<Option<Amount>, StoreError> {
    let Some(found) = row.get::<_, Option<String>>(what)? else { return Ok(None) };
    Amount::parse_smallest(&found).map(Some).map_err(|_| StoreError::Row { what, found })
}

pub(super) fn need_amount(row: &Row<'_>, what: &'static str) -> Result<Amount, StoreError> {
    read_amount(row, what)?.ok_or(StoreError::Row { what, found: String::new() })
}

pub(super) fn read_network(row: &Row<'_>) -> Result<Network, StoreError> {
    let found: String = row.get("network")?;
    Network::parse(&found).map_err(|_| StoreError::Row { what: "network", found })
}

fn read(row: &Row<'_>) -> Result<Sent, StoreError> {
    let nonce: String = row.get("nonce")?;
    let nonce = U256::from_str_radix(&nonce, 10).map_err(|_| StoreError::Row { what: "nonce", found: nonce })?;
    let number = |what| row.get::<_, i64>(what).map(|n| u64::try_from(n).unwrap_or_default());
    let maybe = |what| row.get::<_, Option<i64>>(what).map(|n| n.map(|n| u64::try_from(n).unwrap_or_default()));
    let state: String = row.get("state")?;
    let known = State::ALL.into_iter().find(|known| known.name() == state);
    let fee = read_amount(row, "fee_amount")?;
    Ok(Sent {
        id: read_as(row, "transaction_id")?,
        key: Key {
            network: read_network(row)?,
            contract: read_as(row, "contract")?,
            owner: read_as(row, "owner")?,
            nonce,
        },
        digest: read_as(row, "digest")?,
        scheme: row.get("scheme")?,
        valid_before: number("valid_before")?,
        token: read_as(row, "token")?,
        payee: read_as(row, "payee")?,
        amount: need_amount(row, "amount")?,
        fee: fee.map(|amount| Ok::<_, StoreError>((read_as(row, "fee_to")?, amount))).transpose()?,
        signer: read_as(row, "signer")?,
        bytes: row.get("bytes")?,
        expiration_ms: number("expiration_ms")?,
        state: known.ok_or(StoreError::Row { what: "state", found: state })?,
        claim: row.get::<_, Option<String>>("claim")?.map(Claim),
        told: row.get::<_, Option<i64>>("told_at")?.is_some(),
        block: maybe("block")?,
        left_at: maybe("left_at")?,
        reason: row.get("reason")?,
        noted_at: number("noted_at")?,
    })
}

#[cfg(test)]
mod tests {
    use super::{super::News, *};

    fn sent(nonce: u64, id: u8) -> Sent {
        let address = |byte| Address::from_bytes([byte; 20]);
        Sent {
            id: TxId::from_bytes([id; 32]),
            key: Key { network: Network::Nile, contract: address(1), owner: address(2), nonce: U256::from(nonce) },
            digest: Digest::from_bytes([9; 32]),
            scheme: "exact_permit".into(),
            valid_before: 1_000 + nonce,
            token: address(3),
            payee: address(4),
            amount: Amount::from_u64(250_000),
            fee: nonce.is_multiple_of(2).then_some((address(5), Amount::from_u64(10_000))),
            signer: address(6),
            bytes: vec![1, 2, 3],
            expiration_ms: 5_000,
            state: State::Open,
            claim: nonce.is_multiple_of(2).then(|| claim("the second seller")),
            told: false,
            block: None,
            left_at: None,
            reason: None,
            noted_at: 10,
        }
    }

    #[tokio::test]
    async fn what_was_noted_is_there_after_a_restart_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("facilitator.sqlite");
        let store = Store::open(Some(&path)).unwrap();
        for nonce in 1..=3 {
            store.note(sent(nonce, nonce as u8), 10).await.unwrap();
        }
        store.turn(sent(2, 2).id, News::Settled, 20).await.unwrap();
        drop(store);
        let store = Store::open(Some(&path)).unwrap();
        assert_eq!(store.followed().unwrap(), [sent(1, 1), sent(3, 3)]);
        let settled = store.find(&sent(2, 2).key).unwrap();
        assert_eq!(settled, Some(Sent { state: State::Settled, ..sent(2, 2) }));
    }

    #[tokio::test]
    async fn the_table_itself_refuses_a_second_transaction_until_the_first_is_dead() {
        let store = Store::open(None).unwrap();
        store.note(sent(1, 1), 10).await.unwrap();
        assert!(store.note(sent(1, 2), 11).await.is_err());
        store.turn(sent(1, 1).id, News::Dead, 12).await.unwrap();
        // The same one may come again, or another.
        store.note(sent(1, 1), 13).await.unwrap();
        assert_eq!(store.find(&sent(1, 1).key).unwrap().unwrap().state, State::Open);
        store.turn(sent(1, 1).id, News::Dead, 13).await.unwrap();
        store.note(sent(1, 2), 13).await.unwrap();
        store.turn(sent(1, 2).id, News::Settled, 14).await.unwrap();
        assert!(store.note(sent(1, 3), 15).await.is_err());
        // What is known stays: a settled one does not die.
        store.turn(sent(1, 2).id, News::Dead, 16).await.unwrap();
        assert_eq!(store.find(&sent(1, 2).key).unwrap().unwrap().state, State::Settled);
    }

    fn claim(text: &str) -> Claim {
        Claim::of(&IdempotencyKey::parse(&text.replace(' ', "-")).unwrap())
    }

    #[tokio::test]
    async fn a_success_is_told_once_or_again_to_who_has_the_key() {
        let store = Store::open(None).unwrap();
        let (mine, other) = (Some(claim("the second seller")), Some(claim("some other seller")));
        for nonce in [1, 2, 3] {
            store.note(sent(nonce, nonce as u8), 10).await.unwrap();
        }
        let tell = async |nonce: u64, claim: &Option<Claim>| {
            store.tell(sent(nonce, nonce as u8).id, claim.clone(), 20).await.unwrap()
        };
        // Sent for a caller without a key: the first one hears it, and again only if its answer never left.
        assert!(tell(1, &None).await && !tell(1, &None).await && !tell(1, &other).await);
        store.untell(sent(1, 1).id).unwrap();
        assert!(tell(1, &other).await && !tell(1, &None).await && !tell(1, &mine).await && tell(1, &other).await);
        // Sent for a caller with a key.
        assert!(!tell(2, &None).await && !tell(2, &other).await);
        assert!(tell(2, &mine).await && tell(2, &mine).await && !tell(2, &None).await);
        store.untell(sent(2, 2).id).unwrap();
        assert!(!tell(2, &None).await);
        // What moved nothing is no success.
        store.turn(sent(3, 3).id, News::Failed { reason: None }, 20).await.unwrap();
        assert!(!tell(3, &None).await);
    }

    #[tokio::test]
    async fn only_what_ended_is_pruned() {
        let store = Store::open(None).unwrap();
        store.note(sent(1, 1), 10).await.unwrap();
        store.note(sent(2, 2), 10).await.unwrap();
        store.note(sent(500, 3), 10).await.unwrap();
        store.turn(sent(2, 2).id, News::Settled, 20).await.unwrap();
        store.turn(sent(500, 3).id, News::Failed { reason: None }, 20).await.unwrap();
        assert_eq!(store.prune(1_400).await.unwrap(), 1);
        assert_eq!(store.find(&sent(2, 2).key).unwrap(), None);
        assert_eq!(store.followed().unwrap().len(), 1);
        assert!(store.find(&sent(500, 3).key).unwrap().is_some());
    }
}
