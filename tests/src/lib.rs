//! Whole stories on the devnet.
