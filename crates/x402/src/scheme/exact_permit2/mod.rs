//! `exact` by Permit2 and its exact proxy. The payer chooses nonce and deadline, and which of the network's
//! deployments; the message is shared with `upto`, whose witness names the facilitator too. Refuses to sign without
//! a choice, for a contract outside the registry, and when money would go to the zero address.

pub mod check;

use super::{CannotSign, Common, Fresh, Scheme, Unusable, exact_permit, typed, upto};
use crate::{Authorization as AnyAuthorization, Malformed, Payload as AnyPayload, read::Fields};
use alloy_primitives::U256;
use alloy_sol_types::{Eip712Domain, SolCall, SolStruct, sol};
pub use check::check;
pub(crate) use check::on_paper;
use serde_json::{Value, json};
use tron::{Address, Amount, Digest, Network, Signature, registry, registry::Permit2Set, tip712};

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
    /// The set that is signed for: the network's default, the one whose contract the offer names, or the one
    /// that was selected.
    pub contracts: Permit2Set,
    /// A contract that the offer itself names.
    pub named_contract: Option<Address>,
    pub max_timeout_seconds: Option<u64>,
    /// Some facilitators name themselves here too; `exact` does not bind it.
    pub facilitator: Option<Address>,
    /// What the payer chose.
    pub fresh: Option<Fresh>,
}

/// Names under which an offer may name Permit2 or its proxy.
const CONTRACT_NAMES: [&str; 6] =
    ["spender", "permit2Address", "permit2", "permit2ProxyAddress", "proxy", "verifyingContract"];

impl Terms {
    pub(crate) fn read(common: Common, timeout: Option<u64>, extra: Option<&Fields<'_, '_>>) -> Result<Self, Unusable> {
        let named_contract = exact_permit::named_contract(&CONTRACT_NAMES, [extra])?;
        let of_offer = named_contract.and_then(|named| set_of(common.network, named));
        Ok(Self {
            common,
            contracts: of_offer.map_or_else(|| default_set(common.network, |_| true), Ok)?,
            named_contract,
            max_timeout_seconds: timeout,
            facilitator: upto::read_facilitator(extra)?,
            fresh: None,
        })
    }

    pub(crate) fn signable(&self) -> Result<(), CannotSign> {
        self.common.nowhere()?;
        let ours = |named: &Address| [self.contracts.permit2, self.contracts.exact_proxy].contains(named);
        match self.named_contract.filter(|named| !ours(named)) {
            Some(found) => Err(CannotSign::ContractNotInRegistry { found, expected: self.contracts.exact_proxy }),
            None => Ok(()),
        }
    }

    pub(crate) fn authorize(&self, payer: Address) -> Result<AnyAuthorization, CannotSign> {
        self.signable()?;
        let fresh = Fresh::chosen(self.fresh)?;
        let authorization = Authorization {
            from: payer,
            token: self.common.token,
            amount: self.common.price,
            spender: self.contracts.exact_proxy,
            nonce: fresh.nonce,
            deadline: fresh.valid_before,
            to: self.common.payee,
            valid_after: fresh.valid_after,
            facilitator: None,
        };
        let permit2 = self.contracts.permit2;
        Ok(AnyAuthorization {
            scheme: Scheme::ExactPermit2,
            network: self.common.network,
            payer,
            contract: permit2,
            maximum: self.common.price,
            window: (fresh.valid_after, fresh.valid_before),
            nonce: fresh.nonce,
            digest: authorization.digest(self.common.network, permit2),
            domain: domain(self.common.network, permit2),
            payload: AnyPayload::ExactPermit2(Payload { signature: String::new(), authorization }),
        })
    }
}

/// The set that this Permit2 or exact proxy belongs to; of sets that share a Permit2, the first.
pub fn set_of(network: Network, contract: Address) -> Option<Permit2Set> {
    let sets = &registry::deployments(network).permit2;
    sets.iter().copied().find(|set| [set.permit2, set.exact_proxy].contains(&contract))
}

/// The set of the registry that this exact proxy belongs to: a payload's spender decides it.
pub fn set_of_spender(network: Network, spender: Address) -> Option<Permit2Set> {
    registry::deployments(network).permit2.iter().copied().find(|set| set.exact_proxy == spender)
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
        let domain = domain(network, permit2);
        let valid_after = U256::from(self.valid_after);
        match self.facilitator {
            None => {
                let message = PermitWitnessTransferFrom {
                    permitted: self.permitted(),
                    spender: self.spender.evm(),
                    nonce: self.nonce,
                    deadline: U256::from(self.deadline),
                    witness: self.witness(),
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

    fn witness(&self) -> Witness {
        Witness { to: self.to.evm(), validAfter: U256::from(self.valid_after) }
    }

    pub(crate) fn typed_data(&self, network: Network, permit2: Address) -> Value {
        let message = json!({
            "permitted": { "token": self.token.to_evm_hex(), "amount": self.amount.to_string() },
            "spender": self.spender.to_evm_hex(),
            "nonce": self.nonce.to_string(),
            "deadline": self.deadline.to_string(),
            "witness": { "to": self.to.to_evm_hex(), "validAfter": self.valid_after.to_string() },
        });
        typed::document(&PermitWitnessTransferFrom::eip712_encode_type(), &domain(network, permit2), message)
    }

    /// `permit2Authorization` as it travels: hex addresses, decimal strings.
    fn wire(&self) -> Value {
        json!({
            "from": self.from.to_evm_hex(),
            "permitted": { "token": self.token.to_evm_hex(), "amount": self.amount.to_string() },
            "spender": self.spender.to_evm_hex(),
            "nonce": self.nonce.to_string(),
            "deadline": self.deadline.to_string(),
            "witness": { "to": self.to.to_evm_hex(), "validAfter": self.valid_after.to_string() },
        })
    }
}

pub(crate) fn domain(network: Network, permit2: Address) -> Eip712Domain {
    tip712::domain("Permit2", None, network, permit2)
}

/// What this Permit2 has to state as its own.
pub fn domain_separator(network: Network, permit2: Address) -> [u8; 32] {
    domain(network, permit2).separator().0
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

    pub(crate) fn wire(&self) -> Value {
        json!({ "signature": self.signature, "permit2Authorization": self.authorization.wire() })
    }
}

/// The call that settles, for the exact proxy that the payer signed (`spender`). Anybody may send it.
pub fn settle_data(authorization: &Authorization, signature: &Signature) -> Vec<u8> {
    ExactProxy::settleCall {
        permit: PermitTransferFrom {
            permitted: authorization.permitted(),
            nonce: authorization.nonce,
            deadline: U256::from(authorization.deadline),
        },
        owner: authorization.from.evm(),
        witness: authorization.witness(),
        signature: signature.to_bytes().to_vec().into(),
    }
    .abi_encode()
}

/// Call data for the word of Permit2's bitmap that holds this nonce.
pub fn bitmap_call(owner: Address, nonce: U256) -> Vec<u8> {
    Permit2::nonceBitmapCall { owner: owner.evm(), wordPos: nonce >> 8 }.abi_encode()
}

/// Whether this nonce's bit is set in the word that [`bitmap_call`] answered.
pub fn bitmap_answer(output: &[u8], nonce: U256) -> Option<bool> {
    let word = tron::abi::decode_amount(output)?.u256();
    Some(word.bit(usize::from(nonce.to_be_bytes::<32>()[31])))
}

/// Call data with which the owner makes a signature worthless that was given and not used yet.
pub fn cancel_call(nonce: U256) -> Vec<u8> {
    let mask = U256::ONE << usize::from(nonce.to_be_bytes::<32>()[31]);
    Permit2::invalidateUnorderedNoncesCall { wordPos: nonce >> 8, mask }.abi_encode()
}
