//! Today's fees, and earlier ones for as long as a quote of them is good. Refuses to forget a fee while somebody may
//! still hold a quote of it.

use super::{
    Store, StoreError,
    sent::{need_amount, read_amount, read_as, read_network, whole},
};
use crate::FeeRule;
use rusqlite::{Row, params};
use tron::{Address, Network};

/// A fee as it is or was quoted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Price {
    pub network: Network,
    pub token: Address,
    pub rule: FeeRule,
    pub fee_to: Address,
    pub quote_seconds: u64,
    /// Seconds since 1970; `None` for today's.
    pub until: Option<u64>,
}

impl Store {
    /// Makes these today's prices, and answers the earlier ones that still bind, those of now included.
    pub(crate) fn set_prices(&self, today: &[Price], now: u64) -> Result<Vec<Price>, StoreError> {
        self.write(|tx| {
            let mut statement = tx.prepare("SELECT * FROM prices WHERE until IS NULL")?;
            let before: Vec<Price> =
                statement.query_map([], |row| Ok(read(row)))?.map(|row| row?).collect::<Result<_, _>>()?;
            for old in before.iter().filter(|old| !today.contains(old)) {
                tx.execute(
                    "UPDATE prices SET until = ?3 + quote_seconds WHERE network = ?1 AND token = ?2 AND until IS NULL",
                    params![old.network.canonical(), old.token.to_string(), whole(now)],
                )?;
            }
            for new in today.iter().filter(|new| !before.contains(new)) {
                let rule = &new.rule;
                tx.execute(
                    "INSERT INTO prices VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, NULL)",
                    params![
                        new.network.canonical(),
                        new.token.to_string(),
                        rule.base.to_string(),
                        rule.basis_points,
                        rule.minimum.to_string(),
                        rule.maximum.map(|most| most.to_string()),
                        rule.free_up_to.to_string(),
                        new.fee_to.to_string(),
                        whole(new.quote_seconds),
                    ],
                )?;
            }
            let mut statement = tx.prepare("SELECT * FROM prices WHERE until IS NULL OR until > ?1")?;
            statement.query_map([whole(now)], |row| Ok(read(row)))?.map(|row| row?).collect()
        })
    }
}

fn read(row: &Row<'_>) -> Result<Price, StoreError> {
    let number = |what| row.get::<_, Option<i64>>(what).map(|n| n.map(|n| u64::try_from(n).unwrap_or_default()));
    Ok(Price {
        network: read_network(row)?,
        token: read_as(row, "token")?,
        rule: FeeRule {
            base: need_amount(row, "base")?,
            basis_points: row.get("basis_points")?,
            minimum: need_amount(row, "minimum")?,
            maximum: read_amount(row, "maximum")?,
            free_up_to: need_amount(row, "free_up_to")?,
        },
        fee_to: read_as(row, "fee_to")?,
        quote_seconds: number("quote_seconds")?.unwrap_or_default(),
        until: number("until")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tron::Amount;

    #[test]
    fn an_earlier_price_binds_for_as_long_as_its_quotes() {
        let store = Store::open(None).unwrap();
        let price = |base| Price {
            network: Network::Nile,
            token: Address::from_bytes([1; 20]),
            rule: FeeRule { maximum: Some(Amount::from_u64(9)), ..FeeRule::flat(Amount::from_u64(base), Amount::ZERO) },
            fee_to: Address::from_bytes([2; 20]),
            quote_seconds: 300,
            until: None,
        };
        assert_eq!(store.set_prices(&[price(5)], 1_000).unwrap(), [price(5)]);
        assert_eq!(store.set_prices(&[price(5)], 1_100).unwrap(), [price(5)]);
        let old = Price { until: Some(1_500), ..price(5) };
        assert_eq!(store.set_prices(&[price(7)], 1_200).unwrap(), [old, price(7)]);
        assert_eq!(store.set_prices(&[price(7)], 1_501).unwrap(), [price(7)]);
    }
}
