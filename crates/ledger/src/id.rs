//! Names of payments: UUID version 7, so that they sort by the time they were made. Refuses other texts.

use plan::Moment;
use std::{fmt, str::FromStr};
use uuid::{NoContext, Timestamp, Uuid};

/// A payment's id. Written with hyphens, stored as 16 bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PaymentId(Uuid);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a payment id (a UUID), found {found:?}")]
pub struct NotAnId {
    pub found: String,
}

impl PaymentId {
    /// A fresh id, made at `now`.
    pub fn fresh(now: Moment) -> Self {
        let ms = u64::try_from(now.0).unwrap_or(0);
        let nanos = u32::try_from(ms % 1000).unwrap_or(0).saturating_mul(1_000_000);
        Self(Uuid::new_v7(Timestamp::from_unix(NoContext, ms / 1000, nanos)))
    }

    pub fn bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }
}

impl FromStr for PaymentId {
    type Err = NotAnId;
    fn from_str(text: &str) -> Result<Self, NotAnId> {
        let refuse = || NotAnId { found: text.chars().take(64).collect() };
        // The hyphenated form only, so that one payment has one name.
        if text.len() != 36 {
            return Err(refuse());
        }
        Uuid::try_parse(text).map(Self).map_err(|_| refuse())
    }
}

impl fmt::Display for PaymentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl fmt::Debug for PaymentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
