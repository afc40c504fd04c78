//! The contracts that Countersign signs for, by network. Nothing outside this list is ever signed for;
//! superseded ones are listed so that they can be named.

use crate::{Address, Network};
use std::sync::LazyLock;

/// A Permit2 with the proxies that were deployed for it: a matched set, never mixed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permit2Set {
    pub permit2: Address,
    pub exact_proxy: Address,
    pub upto_proxy: Option<Address>,
}

/// The GasFree controller and what the address of a user's GasFree account is derived from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GasFree {
    pub controller: Address,
    pub beacon: Address,
    /// keccak256 of the account's creation code.
    pub creation_code_hash: [u8; 32],
    pub relayer: &'static str,
}

/// The payment channel contract and its two collectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Channel {
    pub channel: Address,
    pub erc3009_collector: Address,
    pub permit2_collector: Address,
}

/// Everything deployed on one network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployments {
    pub payment_permit: Address,
    /// The first set is the default.
    pub permit2: Vec<Permit2Set>,
    pub gasfree: GasFree,
    pub channel: Channel,
    /// Older contracts, never signed for: what it is and where.
    pub superseded: Vec<(&'static str, Address)>,
}

/// What a contract address means on a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    PaymentPermit,
    Permit2,
    ExactProxy,
    UptoProxy,
    GasFreeController,
    Channel,
    Erc3009Collector,
    Permit2Collector,
    Superseded(&'static str),
}
