//! What the payer chooses where the offer dictates nothing: the nonce, and from when to when the permission holds.
//! A plain value; whoever makes one brings the clock and the chance.

use super::CannotSign;
use alloy_primitives::U256;

/// Seconds that facilitators want to be left before a permission ends.
pub const MARGIN_SECS: u64 = 6;

/// A nonce that was never used by this payer, and a window in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fresh {
    pub nonce: U256,
    pub valid_after: u64,
    /// `validBefore`, with Permit2 `deadline`.
    pub valid_before: u64,
}

impl Fresh {
    /// What was chosen, if that leaves the payer any permission to give.
    pub(crate) fn chosen(fresh: Option<Self>) -> Result<Self, CannotSign> {
        let fresh = fresh.ok_or(CannotSign::NothingChosen)?;
        let Self { valid_after, valid_before, .. } = fresh;
        if valid_before <= valid_after {
            return Err(CannotSign::EmptyWindow { valid_after, valid_before });
        }
        Ok(fresh)
    }
}
