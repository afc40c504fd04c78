//! TRON as values: addresses, amounts, networks, known tokens and contracts, typed data, transactions
//! and signatures. Does no I/O, reads no clock, is not async; refuses every value that does not parse
//! completely.

pub mod abi;
pub mod address;
pub mod amount;
pub mod calls;
pub mod foreign;
pub mod hd;
mod layout;
pub mod message;
pub mod network;
mod recover;
pub mod registry;
pub mod sign;
pub mod tip712;
pub mod token;
pub mod tx;
pub mod typed;
mod unique;
mod wire;

pub use address::{Address, AddressError};
pub use amount::{Amount, AmountError};
pub use hd::Words;
pub use layout::WordLine;
pub use network::{Network, UnknownNetwork};
pub use recover::{RecoverError, recover};
pub use sign::{KeyTextError, PrivateKey, Signature};
pub use tip712::Digest;
pub use tx::{RawTransaction, SignedTransaction, TxId};
pub use typed::{TypedDocument, TypedError};
pub use unique::Unique;
