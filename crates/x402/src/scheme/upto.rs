//! `upto` by Permit2: the signed amount is a ceiling, the facilitator that may settle is part of the
//! message. Decodes and explains; does not sign yet.

use super::{Common, Unusable, exact_permit2};
use crate::{Malformed, read::Fields};
use tron::{Address, registry::Permit2Set};

/// In a module of its own because its parts share their names with the exact form's.
pub mod contract {
    alloy_sol_types::sol! {
        #[derive(Debug, PartialEq, Eq)]
        struct PermitWitnessTransferFrom {
            TokenPermissions permitted;
            address spender;
            uint256 nonce;
            uint256 deadline;
            Witness witness;
        }
        #[derive(Debug, PartialEq, Eq)]
        struct TokenPermissions { address token; uint256 amount; }
        #[derive(Debug, PartialEq, Eq)]
        struct Witness { address to; address facilitator; uint256 validAfter; }
        #[derive(Debug, PartialEq, Eq)]
        struct PermitTransferFrom { TokenPermissions permitted; uint256 nonce; uint256 deadline; }

        interface UptoProxy {
            /// Only `witness.facilitator` may call it; an amount of zero reverts.
            function settle(
                PermitTransferFrom permit, uint256 amount, address owner, Witness witness, bytes signature
            ) external;
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// `price` is the ceiling.
    pub common: Common,
    /// The network's first set that has an upto proxy.
    pub contracts: Permit2Set,
    /// Who may settle; without it nothing can be signed.
    pub facilitator: Option<Address>,
    pub max_timeout_seconds: Option<u64>,
}

impl Terms {
    pub(crate) fn read(common: Common, timeout: Option<u64>, extra: Option<&Fields<'_, '_>>) -> Result<Self, Unusable> {
        let contracts = exact_permit2::default_set(common.network, |set| set.upto_proxy.is_some())?;
        Ok(Self { common, contracts, facilitator: read_facilitator(extra)?, max_timeout_seconds: timeout })
    }
}

/// `extra.permit2FacilitatorAddress`, elsewhere `extra.facilitatorAddress`.
pub(crate) fn read_facilitator(extra: Option<&Fields<'_, '_>>) -> Result<Option<Address>, Malformed> {
    let Some(extra) = extra else { return Ok(None) };
    let (tron, other) = (extra.address("permit2FacilitatorAddress")?, extra.address("facilitatorAddress")?);
    match (tron, other) {
        (Some(a), Some(b)) if a != b => {
            let expected = format!("the same address as permit2FacilitatorAddress, {a}");
            Err(Malformed::new(extra.at("facilitatorAddress"), &b.to_string(), expected))
        }
        (a, b) => Ok(a.or(b)),
    }
}
