//! The ways in which the items of a market are paid, in a row: every scheme, and Permit2 on both sets of contracts.

use crate::{USDT, address};
use seller::Price;
use tron::registry::{self, Permit2Set};
use tron::{Address, Amount, Network};

/// What the facilitator takes where the scheme has a place for a fee.
pub(crate) const FEE: Amount = Amount::from_u64(10_000);

/// How an item is paid for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Permit,
    /// By the token's own authorization.
    Own,
    Permit2,
    /// Through the second set of contracts, which the 402 names.
    Permit2Second,
}

impl Way {
    pub const ALL: [Self; 4] = [Self::Permit, Self::Own, Self::Permit2, Self::Permit2Second];

    /// One after the other, so that any four items in a row are paid in every way.
    pub fn of(item: u64) -> Self {
        Self::ALL[usize::try_from(item % 4).unwrap_or_default()]
    }

    /// The 402 dictates nonce and window, so each 402 is another one. Otherwise they are all alike, and the payer
    /// chooses.
    pub fn dictated(self) -> bool {
        self == Self::Permit
    }

    pub fn token(self) -> Address {
        match self {
            Self::Own => devnet::AUTHORIZED_USD,
            _ => address(USDT),
        }
    }

    pub fn fee(self) -> Amount {
        if self == Self::Permit { FEE } else { Amount::ZERO }
    }

    /// Whose allowance it takes.
    pub fn spender(self) -> Option<Address> {
        match self {
            Self::Permit => Some(registry::deployments(Network::Nile).payment_permit),
            Self::Own => None,
            Self::Permit2 => Some(set(0).permit2),
            Self::Permit2Second => Some(set(1).permit2),
        }
    }

    pub(crate) fn price(self, amount: Amount, pay_to: Address) -> Price {
        let price = Price::new(Network::Nile, self.token(), amount, pay_to);
        match self {
            Self::Permit => price.by_exact_permit(),
            Self::Own => price.by_eip3009("Authorized Dollar", "1"),
            Self::Permit2 => price.by_permit2(),
            Self::Permit2Second => price.by_permit2().extra("spender", set(1).exact_proxy.to_string()),
        }
    }
}

fn set(index: usize) -> Permit2Set {
    registry::deployments(Network::Nile).permit2[index]
}
