//! TRON as values: addresses, amounts, networks, known tokens and contracts, typed data, transactions
//! and signatures. Does no I/O, reads no clock, is not async; refuses every value that does not parse
//! completely.

pub mod address;
pub mod amount;
pub mod network;
pub mod registry;
pub mod token;

pub use address::{Address, AddressError};
pub use amount::{Amount, AmountError};
pub use network::{Network, UnknownNetwork};
