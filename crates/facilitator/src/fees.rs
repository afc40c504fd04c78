//! What settling costs: a base, a percentage, bounds, and small payments for nothing. Whole numbers only; a fraction
//! of the smallest unit counts as one.

use tron::Amount;
use x402::U256;

/// A hundred percent.
pub const ALL_BASIS_POINTS: u32 = 10_000;

/// The fee of one token, in its smallest unit; paid by the buyer on top of the price.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeeRule {
    /// Per payment.
    pub base: Amount,
    /// Of the payment's amount, in hundredths of a percent; at most 10,000.
    pub basis_points: u32,
    /// Base and percentage together are at least this …
    pub minimum: Amount,
    /// … and at most this.
    pub maximum: Option<Amount>,
    /// Payments up to this amount are settled without a fee.
    pub free_up_to: Amount,
}

impl FeeRule {
    /// Nothing, ever.
    pub const FREE: Self = Self::flat(Amount::ZERO, Amount::ZERO);

    /// The same for every payment above `free_up_to`.
    pub const fn flat(base: Amount, free_up_to: Amount) -> Self {
        Self { base, basis_points: 0, minimum: Amount::ZERO, maximum: None, free_up_to }
    }

    /// The fee for settling a payment of this amount.
    pub fn fee_for(&self, amount: Amount) -> Amount {
        if amount <= self.free_up_to {
            return Amount::ZERO;
        }
        // Divided before it is multiplied, so that no amount overflows.
        let (all, part) = (U256::from(ALL_BASIS_POINTS), U256::from(self.basis_points.min(ALL_BASIS_POINTS)));
        let (whole, rest) = amount.u256().div_rem(all);
        let share = whole * part + (rest * part).div_ceil(all);
        let fee = self.base.saturating_add(Amount::from_u256(share)).max(self.minimum);
        self.maximum.map_or(fee, |most| fee.min(most))
    }

    /// Whether some payment costs something.
    pub fn is_free(&self) -> bool {
        self.base.is_zero() && self.basis_points == 0 && self.minimum.is_zero()
    }

    /// The word for it in a quote.
    pub(crate) fn pricing(&self) -> &'static str {
        if self.basis_points == 0 { "flat" } else { "percentage" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fee_is_base_and_percentage_within_its_bounds() {
        let units = Amount::from_u64;
        let rule = FeeRule {
            base: units(100),
            basis_points: 50,
            minimum: units(150),
            maximum: Some(units(5_000)),
            free_up_to: units(1_000),
        };
        for (amount, fee) in [
            (0, 0),
            (1_000, 0),
            (1_001, 150),
            (20_000, 200),
            (20_001, 201),
            (20_200, 201),
            (980_000, 5_000),
            (u64::MAX, 5_000),
        ] {
            assert_eq!(rule.fee_for(units(amount)), units(fee), "{amount}");
        }
        let everything = Amount::from_u256(U256::MAX);
        let all = FeeRule { basis_points: ALL_BASIS_POINTS, ..FeeRule::FREE };
        assert_eq!(all.fee_for(everything), everything);
        assert!(FeeRule::FREE.is_free() && !all.is_free() && !FeeRule::flat(units(1), units(9)).is_free());
    }
}
