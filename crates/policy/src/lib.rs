//! Judges a finished plan against the person's rules, and finds what is odd about one that is being made.
//! Pure: never reads a clock, a file or a key; never lets through what a rule does not plainly allow.

mod findings;
mod judge;
mod look;

pub use findings::{
    CLOCK_OFF_SECS, ChainFacts, DEADLINE_FAR_SECS, DEADLINE_MOST_SECS, Draft, EARLY_SECS, FEE_SHARE_PERCENT,
    JUST_NOW_MS, PRICE_FACTOR, Sender, TokenSays, Trial, findings,
};
pub use judge::judge;
pub use look::looks_alike;
