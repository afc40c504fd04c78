//! `exact` by Permit2 and its exact proxy. Decodes and explains; does not sign yet. The message is shared
//! with `upto`, whose witness names the facilitator too.

use super::{Common, Unusable, upto};
use crate::{Malformed, read::Fields};
use alloy_primitives::U256;
use alloy_sol_types::sol;
use tron::{Address, Amount, Digest, Network, registry, registry::Permit2Set, tip712};

sol! {
    /// Signed under the domain `{ name: "Permit2", chainId, verifyingContract }`, without a version.
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
    struct Witness { address to; uint256 validAfter; }

    #[derive(Debug, PartialEq, Eq)]
    struct PermitTransferFrom { TokenPermissions permitted; uint256 nonce; uint256 deadline; }

    #[derive(Debug, PartialEq, Eq)]
    struct TransferDetails { address to; uint256 requestedAmount; }

    interface ExactProxy {
        function settle(PermitTransferFrom permit, address owner, Witness witness, bytes signature) external;
    }

    interface Permit2 {
        function permitWitnessTransferFrom(
            PermitTransferFrom permit, TransferDetails transferDetails, address owner, bytes32 witness,
            string witnessTypeString, bytes signature
        ) external;
        function nonceBitmap(address owner, uint256 wordPos) external view returns (uint256);
        /// Cancels signatures that were given.
        function invalidateUnorderedNonces(uint256 wordPos, uint256 mask) external;
    }
}

/// What Permit2 appends to its own type to hash the witness.
pub const WITNESS_TYPE_STRING: &str =
    "Witness witness)TokenPermissions(address token,uint256 amount)Witness(address to,uint256 validAfter)";

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    pub common: Common,
    /// The default set of this network.
    pub contracts: Permit2Set,
    pub max_timeout_seconds: Option<u64>,
    /// Some facilitators name themselves here too; `exact` does not bind it.
    pub facilitator: Option<Address>,
}

impl Terms {
    pub(crate) fn read(common: Common, timeout: Option<u64>, extra: Option<&Fields<'_, '_>>) -> Result<Self, Unusable> {
        let contracts = default_set(common.network, |_| true)?;
        Ok(Self { common, contracts, max_timeout_seconds: timeout, facilitator: upto::read_facilitator(extra)? })
    }
}

/// The first set of the network that fits.
pub(crate) fn default_set(network: Network, fits: impl Fn(&Permit2Set) -> bool) -> Result<Permit2Set, Unusable> {
    let sets = &registry::deployments(network).permit2;
    let found = sets.iter().copied().find(|set| fits(set));
    found.ok_or_else(|| Unusable::UnknownNetwork { found: network.canonical().to_owned() })
}

/// `payload.permit2Authorization`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authorization {
    pub from: Address,
    pub token: Address,
    pub amount: Amount,
    /// The proxy that may take it.
    pub spender: Address,
    pub nonce: U256,
    pub deadline: u64,
    /// `witness.to`.
    pub to: Address,
    pub valid_after: u64,
    /// `witness.facilitator`, only with `upto`.
    pub facilitator: Option<Address>,
}

impl Authorization {
    fn read(a: &Fields<'_, '_>) -> Result<Self, Malformed> {
        let permitted = a.need_object("permitted")?;
        let witness = a.need_object("witness")?;
        Ok(Self {
            from: a.need_address("from")?,
            token: permitted.need_address("token")?,
            amount: permitted.need_amount("amount")?,
            spender: a.need_address("spender")?,
            nonce: a.need_number("nonce")?,
            deadline: a.need_seconds("deadline")?,
            to: witness.need_address("to")?,
            valid_after: witness.need_seconds("validAfter")?,
            facilitator: witness.address("facilitator")?,
        })
    }

    /// What was signed, if this is the Permit2 contract.
    pub fn digest(&self, network: Network, permit2: Address) -> Digest {
        let domain = tip712::domain("Permit2", None, network, permit2);
        let valid_after = U256::from(self.valid_after);
        match self.facilitator {
            None => {
                let message = PermitWitnessTransferFrom {
                    permitted: self.permitted(),
                    spender: self.spender.evm(),
                    nonce: self.nonce,
                    deadline: U256::from(self.deadline),
                    witness: Witness { to: self.to.evm(), validAfter: valid_after },
                };
                tip712::digest(&message, &domain)
            }
            Some(facilitator) => {
                let message = upto::contract::PermitWitnessTransferFrom {
                    permitted: upto::contract::TokenPermissions { token: self.token.evm(), amount: self.amount.u256() },
                    spender: self.spender.evm(),
                    nonce: self.nonce,
                    deadline: U256::from(self.deadline),
                    witness: upto::contract::Witness {
                        to: self.to.evm(),
                        facilitator: facilitator.evm(),
                        validAfter: valid_after,
                    },
                };
                tip712::digest(&message, &domain)
            }
        }
    }

    fn permitted(&self) -> TokenPermissions {
        TokenPermissions { token: self.token.evm(), amount: self.amount.u256() }
    }
}

/// `payload` of an `exact` or `upto` payment by Permit2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    pub signature: String,
    pub authorization: Authorization,
}

impl Payload {
    pub(crate) fn read(payload: &Fields<'_, '_>) -> Result<Self, Malformed> {
        Ok(Self {
            signature: payload.need_text("signature")?,
            authorization: Authorization::read(&payload.need_object("permit2Authorization")?)?,
        })
    }
}
