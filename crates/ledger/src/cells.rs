//! Values in database cells. Refuses, by name, what is not of its form: a damaged file is noticed, not shown.

use crate::LedgerError;
use plan::{AppId, Moment, Site};
use rusqlite::Row;
use rusqlite::types::{FromSql, ValueRef};
use tron::{Address, Amount, Network};

/// Reads a row's cells in the order of the query.
pub struct Cells<'r> {
    row: &'r Row<'r>,
    next: usize,
}

impl<'r> Cells<'r> {
    pub fn of(row: &'r Row<'r>) -> Self {
        Self { row, next: 0 }
    }

    /// The next cell as the database has it.
    pub fn take<T: FromSql>(&mut self) -> Result<T, LedgerError> {
        let value = self.row.get(self.next)?;
        self.next += 1;
        Ok(value)
    }

    /// Borrows the next text.
    pub fn text(&mut self, field: &'static str) -> Result<&'r str, LedgerError> {
        let cell = self.row.get_ref(self.next)?;
        self.next += 1;
        match cell {
            ValueRef::Text(bytes) => {
                std::str::from_utf8(bytes).map_err(|_| LedgerError::Damaged { field, found: "no UTF-8".to_owned() })
            }
            other => Err(LedgerError::Damaged { field, found: format!("{:?}", other.data_type()) }),
        }
    }

    /// Borrows the next text, where there is one.
    pub fn maybe_text(&mut self, field: &'static str) -> Result<Option<&'r str>, LedgerError> {
        match self.row.get_ref(self.next)? {
            ValueRef::Null => {
                self.next += 1;
                Ok(None)
            }
            _ => self.text(field).map(Some),
        }
    }

    pub fn moment(&mut self) -> Result<Moment, LedgerError> {
        self.take().map(Moment)
    }

    pub fn maybe_moment(&mut self) -> Result<Option<Moment>, LedgerError> {
        Ok(self.take::<Option<i64>>()?.map(Moment))
    }

    pub fn amount(&mut self) -> Result<Amount, LedgerError> {
        self.take::<[u8; 32]>().map(Amount::from_be_bytes)
    }

    pub fn maybe_amount(&mut self) -> Result<Option<Amount>, LedgerError> {
        Ok(self.take::<Option<[u8; 32]>>()?.map(Amount::from_be_bytes))
    }

    pub fn address(&mut self) -> Result<Address, LedgerError> {
        self.take::<[u8; 20]>().map(Address::from_bytes)
    }

    pub fn maybe_address(&mut self) -> Result<Option<Address>, LedgerError> {
        Ok(self.take::<Option<[u8; 20]>>()?.map(Address::from_bytes))
    }

    pub fn count(&mut self) -> Result<u64, LedgerError> {
        self.number("count")
    }

    /// A whole number of any width; negative or too large is damage.
    pub fn number<T: TryFrom<i64>>(&mut self, field: &'static str) -> Result<T, LedgerError> {
        let found: i64 = self.take()?;
        T::try_from(found).map_err(|_| LedgerError::Damaged { field, found: found.to_string() })
    }

    pub fn maybe_number<T: TryFrom<i64>>(&mut self, field: &'static str) -> Result<Option<T>, LedgerError> {
        let found: Option<i64> = self.take()?;
        found.map(|n| T::try_from(n).map_err(|_| LedgerError::Damaged { field, found: n.to_string() })).transpose()
    }

    pub fn network(&mut self) -> Result<Network, LedgerError> {
        let id: u64 = self.number("network")?;
        Network::from_chain_id(id).ok_or_else(|| LedgerError::Damaged { field: "network", found: id.to_string() })
    }

    pub fn site(&mut self) -> Result<Site, LedgerError> {
        read_site(self.text("site")?)
    }

    pub fn app(&mut self) -> Result<AppId, LedgerError> {
        self.take().map(AppId)
    }
}

pub fn read_site(key: &str) -> Result<Site, LedgerError> {
    Site::parse(key).ok_or_else(|| LedgerError::Damaged { field: "site", found: key.to_owned() })
}

/// A count as the database keeps it. None of ours comes near 63 bit; one that did would be kept as the largest.
pub fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub fn chain(network: Network) -> i64 {
    whole(network.chain_id())
}
