//! Table `assets`: every token that a row speaks of, once. And `tokens`: those that the person added.

use crate::cells::{Cells, chain};
use crate::{AddedToken, Ledger, LedgerError};
use plan::TokenRef;
use rusqlite::{Connection, OptionalExtension, params};
use tron::{Address, Network, token};

pub fn find(db: &Connection, network: Network, address: Address) -> Result<Option<i64>, LedgerError> {
    Ok(db
        .prepare_cached("SELECT asset FROM assets WHERE network = ?1 AND token = ?2")?
        .query_row(params![chain(network), address.bytes()], |row| row.get(0))
        .optional()?)
}

/// The asset's key; a new one is written down. What is there stays: a contract that changes its claims must
/// not rescale rows that were shown before.
pub fn keep(db: &Connection, network: Network, token: &TokenRef) -> Result<i64, LedgerError> {
    if let Some(asset) = find(db, network, token.address)? {
        return Ok(asset);
    }
    let sql = "INSERT INTO assets (network, token, symbol, decimals) VALUES (?1, ?2, ?3, ?4)";
    db.prepare_cached(sql)?.execute(params![
        chain(network),
        token.address.bytes(),
        token.symbol,
        i64::from(token.decimals)
    ])?;
    Ok(db.last_insert_rowid())
}

/// The key for a rule: the token may never have been paid yet.
pub fn keep_known(db: &Connection, network: Network, address: Address) -> Result<i64, LedgerError> {
    if let Some(asset) = find(db, network, address)? {
        return Ok(asset);
    }
    let added = || added_token(db, network, address);
    let token = match token::lookup(network, address) {
        Some(t) => TokenRef { address, symbol: t.symbol.to_owned(), decimals: t.decimals, known: true },
        None => match added()? {
            Some(t) => TokenRef { address, symbol: t.symbol, decimals: t.decimals, known: false },
            None => return Err(LedgerError::NoSuch { what: "token", key: address.to_string() }),
        },
    };
    keep(db, network, &token)
}

const COLUMNS: &str = "SELECT network, token, symbol, decimals, added_at FROM tokens";

fn read(cells: &mut Cells<'_>) -> Result<AddedToken, LedgerError> {
    Ok(AddedToken {
        network: cells.network()?,
        address: cells.address()?,
        symbol: cells.take()?,
        decimals: cells.number("decimals")?,
        added_at: cells.moment()?,
    })
}

fn added_token(db: &Connection, network: Network, address: Address) -> Result<Option<AddedToken>, LedgerError> {
    let mut query = db.prepare_cached(&format!("{COLUMNS} WHERE network = ?1 AND token = ?2"))?;
    let mut rows = query.query(params![chain(network), address.bytes()])?;
    rows.next()?.map(|row| read(&mut Cells::of(row))).transpose()
}

impl Ledger {
    /// Adds a token that the person vouches for, or changes its symbol and decimals.
    pub fn add_token(&self, token: &AddedToken) -> Result<(), LedgerError> {
        self.write("add a token", |db| {
            db.prepare_cached("INSERT OR REPLACE INTO tokens VALUES (?1, ?2, ?3, ?4, ?5)")?.execute(params![
                chain(token.network),
                token.address.bytes(),
                token.symbol,
                i64::from(token.decimals),
                token.added_at.0
            ])?;
            // Rows written before the person vouched may hold the contract's earlier claims.
            db.prepare_cached("UPDATE assets SET symbol = ?3, decimals = ?4 WHERE network = ?1 AND token = ?2")?
                .execute(params![
                    chain(token.network),
                    token.address.bytes(),
                    token.symbol,
                    i64::from(token.decimals)
                ])?;
            Ok(())
        })
    }

    pub fn remove_token(&self, network: Network, address: Address) -> Result<(), LedgerError> {
        self.write("remove a token", |db| {
            db.prepare_cached("DELETE FROM tokens WHERE network = ?1 AND token = ?2")?
                .execute(params![chain(network), address.bytes()])?;
            Ok(())
        })
    }

    pub fn tokens(&self) -> Result<Vec<AddedToken>, LedgerError> {
        self.read_warm("list tokens", |db| {
            let mut query = db.prepare_cached(&format!("{COLUMNS} ORDER BY added_at"))?;
            let mut rows = query.query([])?;
            let mut tokens = Vec::new();
            while let Some(row) = rows.next()? {
                tokens.push(read(&mut Cells::of(row))?);
            }
            Ok(tokens)
        })
    }
}
