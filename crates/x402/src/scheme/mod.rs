//! Every scheme behind two enums: what an offer asks for ([`Terms`]) and what a payment carries
//! ([`Payload`]). Knows which scheme a requirement means across all dialects; refuses to guess at a scheme
//! or network it does not know.

pub mod batch_settlement;
pub mod calls;
pub mod exact_eip3009;
pub mod exact_gasfree;
pub mod exact_permit;
pub mod exact_permit2;
pub mod explain;
mod fresh;
mod invalid;
pub mod legacy_delivery;
mod nonce;
pub mod payload;
mod refused;
pub(crate) mod typed;
pub mod upto;

use crate::{Authorization, Malformed, extensions::PERMIT_CONTEXT, json::Node, read::Fields};
use alloy_primitives::U256;
pub use calls::{KnownCall, decode_call};
pub use explain::Explanation;
pub use fresh::{Fresh, MARGIN_SECS};
pub use invalid::InvalidReason;
pub use nonce::{NonceEvent, NonceSlot};
pub use payload::Payload;
pub use refused::{Refusal, refusal};
use std::fmt;
use tron::{Address, Amount, Network, registry};

/// A payment scheme that Countersign knows, told apart by scheme name and transfer method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    ExactPermit,
    /// `exact` with `assetTransferMethod` = `eip3009` or absent.
    ExactEip3009,
    ExactPermit2,
    ExactGasfree,
    Upto,
    BatchSettlement,
    /// Releases 0.1.x with a `Delivery` struct: recognised, decoded, named, not signed.
    LegacyDelivery,
}

impl Scheme {
    /// A stable name for ledger and surfaces.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ExactPermit => "exact_permit",
            Self::ExactEip3009 => "exact/eip3009",
            Self::ExactPermit2 => "exact/permit2",
            Self::ExactGasfree => "exact_gasfree",
            Self::Upto => "upto",
            Self::BatchSettlement => "batch-settlement",
            Self::LegacyDelivery => "exact/delivery",
        }
    }

    /// Whether the payer chooses nonce and window: [`Terms::with`].
    pub const fn payer_chooses(self) -> bool {
        matches!(self, Self::ExactEip3009 | Self::ExactPermit2)
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why one option of an offer can't be used. The other options stay usable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    #[error(transparent)]
    Field(#[from] Malformed),
    /// `found` is shortened and made visible.
    #[error("the scheme {found:?} is not known")]
    UnknownScheme { found: String },
    #[error("the network {found:?} is not one of TRON's")]
    UnknownNetwork { found: String },
    /// A transfer method of the server's own: it would change what is signed.
    #[error("{wrong}")]
    UnknownMethod { wrong: Malformed, method: String },
    /// A payment that is no permission; `field` gave it away.
    #[error("{field}: {what}, and no permission that is known here")]
    OtherPayload { field: String, what: &'static str },
}

/// Why readable terms can't be signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CannotSign {
    #[error("payments of the scheme {0} are read, not signed")]
    UnsupportedScheme(Scheme),
    /// `extensions.paymentPermitContext.meta` is absent: nonce, payment id and window are missing.
    #[error("the offer has no extensions.paymentPermitContext.meta, so there is nothing to sign")]
    MissingMeta,
    /// The contract settles only for the named caller and never for the zero address (`InvalidCaller`).
    #[error("the offer names no extra.fee.caller, so the contract would never settle the payment")]
    MissingCaller,
    #[error("the offer names the contract {found}, the known one is {expected}")]
    ContractNotInRegistry { found: Address, expected: Address },
    #[error("expected the kind PAYMENT_ONLY, found {found:?}")]
    WrongKind { found: String },
    /// Money would go to the zero address. `field` is a path inside the requirement.
    #[error("{field} is the zero address")]
    ZeroAddress { field: &'static str },
    /// Nonce and window are the payer's choice here, and were not chosen: [`Terms::with`].
    #[error("nonce and window are the payer's choice and were not chosen")]
    NothingChosen,
    /// The token's domain is part of what is signed. `field` is a path inside the requirement.
    #[error("the offer names no {field}, so nobody knows which domain the token signs under")]
    MissingDomain { field: &'static str },
    #[error("the permission ends at {valid_before}, which is not after its beginning at {valid_after}")]
    EmptyWindow { valid_after: u64, valid_before: u64 },
}

/// A facilitator's fee inside the signed message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fee {
    pub to: Address,
    pub amount: Amount,
    /// Who may settle; `None` when absent or zero.
    pub caller: Option<Address>,
}

/// What every scheme's terms say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Common {
    pub network: Network,
    pub token: Address,
    pub payee: Address,
    /// What the payee gets; for `upto` the most that the payee may take.
    pub price: Amount,
}

impl Common {
    /// Money never goes to the zero address.
    pub(crate) fn nowhere(&self) -> Result<(), CannotSign> {
        for (field, address) in [("payTo", self.payee), ("asset", self.token)] {
            if address.is_zero() {
                return Err(CannotSign::ZeroAddress { field });
            }
        }
        Ok(())
    }
}

/// What an offer's option asks for, completely decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Terms {
    ExactPermit(exact_permit::Terms),
    ExactEip3009(exact_eip3009::Terms),
    ExactPermit2(exact_permit2::Terms),
    ExactGasfree(exact_gasfree::Terms),
    Upto(upto::Terms),
    BatchSettlement(batch_settlement::Terms),
    LegacyDelivery(legacy_delivery::Terms),
}

/// What stands around a requirement and decides its meaning.
#[derive(Default)]
pub(crate) struct Around<'n, 'a> {
    permit: Option<Result<Fields<'n, 'a>, Malformed>>,
    /// An option of the same offer is called `exact_permit`, so `exact` is not its older name.
    pub knows_exact_permit: bool,
    /// The payload beside this requirement.
    pub payload: Beside,
}

/// The shape of a payload as far as it decides what a requirement means.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Beside {
    #[default]
    Other,
    Authorization,
    Permit,
    PermitWithDelivery,
}

impl Beside {
    pub fn of(payload: Option<&Node<'_>>) -> Self {
        let member = |name| payload.and_then(|p| p.get(name)).filter(|node| !node.is_null());
        match member("paymentPermit") {
            None if member("authorization").is_some() => Self::Authorization,
            None => Self::Other,
            Some(permit) if permit.get("delivery").is_some_and(|d| !d.is_null()) => Self::PermitWithDelivery,
            Some(_) => Self::Permit,
        }
    }
}

impl<'n, 'a> Around<'n, 'a> {
    /// Takes the permit's context out of the extensions of an offer or payment. One that is no object harms
    /// only the options that need it.
    pub fn of(extensions: Option<&Fields<'n, 'a>>) -> Self {
        let permit = extensions.and_then(|e| e.object(PERMIT_CONTEXT).transpose());
        Self { permit, ..Self::default() }
    }

    fn permit(&self) -> Result<Option<&Fields<'n, 'a>>, Malformed> {
        self.permit.as_ref().map(|p| p.as_ref().map_err(Clone::clone)).transpose()
    }

    fn has(&self, name: &'static str) -> bool {
        self.permit().is_ok_and(|p| p.is_some_and(|p| p.get(name).is_some()))
    }
}

/// The published transfer methods.
const METHODS: [&str; 2] = ["eip3009", "permit2"];

/// The scheme that a requirement means.
pub(crate) fn detect(name: &str, extra: Option<&Fields<'_, '_>>, around: &Around<'_, '_>) -> Result<Scheme, Unusable> {
    let method = extra.map(|e| e.text("assetTransferMethod")).transpose()?.flatten();
    let method_unknown = || {
        let node = extra.and_then(|e| Some((e.at("assetTransferMethod"), e.get("assetTransferMethod")?)));
        let (field, found) = node.map_or_else(Default::default, |(field, node)| (field, node.raw));
        let expected = if name == "upto" { "permit2" } else { "eip3009 or permit2" };
        let wrong = Malformed::new(field, found, expected);
        let method = method.as_deref().unwrap_or_default();
        // A slip, or a method of another scheme: the server can set it right.
        match method.is_empty() || METHODS.iter().any(|known| known.eq_ignore_ascii_case(method)) {
            true => wrong.into(),
            false => Unusable::UnknownMethod { wrong, method: crate::malformed::shown(method) },
        }
    };
    let has_fee = || extra.is_some_and(|e| e.get("fee").is_some());
    match (name, method.as_deref()) {
        ("exact_permit", _) => Ok(Scheme::ExactPermit),
        ("exact_gasfree", _) => Ok(Scheme::ExactGasfree),
        ("batch-settlement", None | Some("eip3009" | "permit2")) => Ok(Scheme::BatchSettlement),
        ("exact", Some("eip3009")) => Ok(Scheme::ExactEip3009),
        ("exact" | "upto", Some("permit2")) => Ok(if name == "upto" { Scheme::Upto } else { Scheme::ExactPermit2 }),
        ("exact" | "upto", None) if around.payload == Beside::PermitWithDelivery || around.has("delivery") => {
            Ok(Scheme::LegacyDelivery)
        }
        ("exact", None) if around.payload == Beside::Permit => Ok(Scheme::ExactPermit),
        ("exact", None) if around.payload == Beside::Authorization => Ok(Scheme::ExactEip3009),
        // Servers of 0.6.1 send the context whatever they sell; only a permit has a fee.
        ("exact", None) if around.has("meta") && !around.knows_exact_permit && has_fee() => Ok(Scheme::ExactPermit),
        ("exact", None) => Ok(Scheme::ExactEip3009),
        ("upto", None) => Ok(Scheme::Upto),
        ("exact" | "upto" | "batch-settlement", Some(_)) => Err(method_unknown()),
        _ => Err(Unusable::UnknownScheme { found: crate::malformed::shown(name) }),
    }
}

impl Terms {
    pub(crate) fn read(
        scheme: Scheme,
        common: Common,
        requirement: &Fields<'_, '_>,
        extra: Option<&Fields<'_, '_>>,
        around: &Around<'_, '_>,
    ) -> Result<Self, Unusable> {
        let timeout = requirement.seconds("maxTimeoutSeconds")?;
        Ok(match scheme {
            Scheme::ExactPermit => Self::ExactPermit(exact_permit::Terms::read(common, extra, around.permit()?)?),
            Scheme::ExactEip3009 => Self::ExactEip3009(exact_eip3009::Terms::read(common, timeout, extra)?),
            Scheme::ExactPermit2 => Self::ExactPermit2(exact_permit2::Terms::read(common, timeout, extra)?),
            Scheme::ExactGasfree => Self::ExactGasfree(exact_gasfree::Terms::read(common, timeout, extra)?),
            Scheme::Upto => Self::Upto(upto::Terms::read(common, timeout, extra)?),
            Scheme::BatchSettlement => {
                let extra = extra.ok_or_else(|| Malformed::absent(requirement.at("extra"), "an object"))?;
                Self::BatchSettlement(batch_settlement::Terms::read(common, timeout, extra)?)
            }
            Scheme::LegacyDelivery => {
                Self::LegacyDelivery(legacy_delivery::Terms::read(common, extra, around.permit()?)?)
            }
        })
    }

    pub const fn scheme(&self) -> Scheme {
        match self {
            Self::ExactPermit(_) => Scheme::ExactPermit,
            Self::ExactEip3009(_) => Scheme::ExactEip3009,
            Self::ExactPermit2(_) => Scheme::ExactPermit2,
            Self::ExactGasfree(_) => Scheme::ExactGasfree,
            Self::Upto(_) => Scheme::Upto,
            Self::BatchSettlement(_) => Scheme::BatchSettlement,
            Self::LegacyDelivery(_) => Scheme::LegacyDelivery,
        }
    }

    pub const fn common(&self) -> &Common {
        match self {
            Self::ExactPermit(t) => &t.common,
            Self::ExactEip3009(t) => &t.common,
            Self::ExactPermit2(t) => &t.common,
            Self::ExactGasfree(t) => &t.common,
            Self::Upto(t) => &t.common,
            Self::BatchSettlement(t) => &t.common,
            Self::LegacyDelivery(t) => &t.common,
        }
    }

    pub const fn network(&self) -> Network {
        self.common().network
    }

    /// The token's contract (`asset`).
    pub const fn token(&self) -> Address {
        self.common().token
    }

    /// `payTo`.
    pub const fn payee(&self) -> Address {
        self.common().payee
    }

    /// What the payee gets, in the token's smallest unit; for `upto` the ceiling.
    pub const fn price(&self) -> Amount {
        self.common().price
    }

    /// The facilitator's fee on top of the price; `None` when the offer names none.
    pub const fn fee(&self) -> Option<Fee> {
        match self {
            Self::ExactPermit(t) => t.fee,
            Self::ExactGasfree(t) => t.claimed_fee,
            Self::LegacyDelivery(t) => t.fee,
            _ => None,
        }
    }

    /// Most that can leave, price and fee; `None` where the offer alone does not decide it (a GasFree
    /// relayer's fee, a channel's deposit).
    pub fn maximum(&self) -> Option<Amount> {
        match self {
            Self::ExactPermit(t) => Some(t.maximum),
            Self::LegacyDelivery(t) => Some(t.maximum),
            Self::ExactEip3009(_) | Self::ExactPermit2(_) | Self::Upto(_) => Some(self.price()),
            Self::ExactGasfree(_) | Self::BatchSettlement(_) => None,
        }
    }

    /// The verifying contract of the signed message.
    pub const fn contract(&self) -> Address {
        match self {
            Self::ExactPermit(t) => t.contract,
            Self::ExactEip3009(t) => t.common.token,
            Self::ExactPermit2(t) => t.contracts.permit2,
            Self::ExactGasfree(t) => t.controller,
            Self::Upto(t) => t.contracts.permit2,
            Self::BatchSettlement(t) => t.contracts.channel,
            Self::LegacyDelivery(t) => t.contract,
        }
    }

    /// Who needs the payer's TRC-20 allowance; `None` when the scheme needs none.
    pub fn spender(&self) -> Option<Address> {
        match self {
            Self::ExactPermit(t) => Some(t.contract),
            Self::ExactPermit2(t) => Some(t.contracts.permit2),
            Self::Upto(t) => Some(t.contracts.permit2),
            Self::BatchSettlement(t) => t.spender(),
            Self::LegacyDelivery(t) => Some(t.contract),
            Self::ExactEip3009(_) | Self::ExactGasfree(_) => None,
        }
    }

    /// Whether the payer chooses nonce and window: [`Terms::with`].
    pub const fn chosen_by_payer(&self) -> bool {
        self.scheme().payer_chooses()
    }

    /// The most seconds that the permission may last (`maxTimeoutSeconds`), where the payer chooses the window.
    pub const fn lifetime(&self) -> Option<u64> {
        match self {
            Self::ExactEip3009(t) => t.max_timeout_seconds,
            Self::ExactPermit2(t) => t.max_timeout_seconds,
            _ => None,
        }
    }

    /// These terms with the payer's choice; where the offer dictates nonce and window, its word stands.
    pub fn with(&self, fresh: Fresh) -> Self {
        let mut terms = self.clone();
        match &mut terms {
            Self::ExactEip3009(t) => t.fresh = Some(fresh),
            Self::ExactPermit2(t) => t.fresh = Some(fresh),
            _ => {}
        }
        terms
    }

    /// By Permit2, and the offer names no contract: the payer chooses the deployment.
    pub fn leaves_permit2_open(&self) -> bool {
        matches!(self, Self::ExactPermit2(t) if t.named_contract.is_none())
    }

    /// These terms through another Permit2 deployment of the registry; `None` when the network has no set of this
    /// name. An offer that names a contract itself has chosen already, and schemes without Permit2 stay as they are.
    pub fn through(&self, set: &str) -> Option<Self> {
        let mut terms = self.clone();
        if let Self::ExactPermit2(t) = &mut terms
            && t.named_contract.is_none()
        {
            let sets = &registry::deployments(t.common.network).permit2;
            t.contracts = sets.iter().copied().find(|known| known.name == set)?;
        }
        Some(terms)
    }

    /// The contract that settles, and that decides the deployment: Permit2's exact proxy, otherwise
    /// [`Terms::contract`].
    pub const fn settler(&self) -> Address {
        match self {
            Self::ExactPermit2(t) => t.contracts.exact_proxy,
            other => other.contract(),
        }
    }

    /// These terms through the deployment that this contract settles; `None` when it settles none of theirs.
    pub fn settled_by(&self, settler: Address) -> Option<Self> {
        let through = match self {
            Self::ExactPermit2(t) => self.through(exact_permit2::set_of_spender(t.common.network, settler)?.name)?,
            other => other.clone(),
        };
        (through.settler() == settler).then_some(through)
    }

    /// `(valid_after, valid_before)` in seconds since 1970, as the offer dictates it or the payer chose it.
    pub fn window(&self) -> Option<(u64, u64)> {
        match self.fresh() {
            Some(fresh) => Some((fresh.valid_after, fresh.valid_before)),
            None => self.meta().map(|m| (m.valid_after, m.valid_before)),
        }
    }

    /// The nonce, as the offer dictates it or the payer chose it.
    pub fn nonce(&self) -> Option<U256> {
        self.fresh().map_or_else(|| self.meta().map(|m| m.nonce), |fresh| Some(fresh.nonce))
    }

    fn fresh(&self) -> Option<Fresh> {
        match self {
            Self::ExactEip3009(t) => t.fresh,
            Self::ExactPermit2(t) => t.fresh,
            _ => None,
        }
    }

    fn meta(&self) -> Option<&exact_permit::Meta> {
        match self {
            Self::ExactPermit(t) => t.meta.as_ref(),
            Self::LegacyDelivery(t) => t.meta.as_ref(),
            _ => None,
        }
    }

    /// Where this payer's use of a nonce under these terms is written down.
    pub fn slot(&self, owner: Address, nonce: U256) -> NonceSlot {
        NonceSlot { scheme: self.scheme(), contract: self.contract(), owner, nonce }
    }

    /// The domain separator that [`Terms::contract`] has to state before anything is signed for it; `None` where
    /// the offer leaves out a part of it, and for schemes that are not signed here.
    pub fn separator(&self) -> Option<[u8; 32]> {
        match self {
            Self::ExactPermit(t) => Some(exact_permit::domain_separator(t.common.network)),
            Self::ExactEip3009(t) => Some(t.domain()?.separator().0),
            Self::ExactPermit2(t) => Some(exact_permit2::domain(t.common.network, t.contracts.permit2).separator().0),
            _ => None,
        }
    }

    /// What this payer would sign.
    pub fn authorize(&self, payer: Address) -> Result<Authorization, CannotSign> {
        match self {
            Self::ExactPermit(terms) => terms.authorize(payer),
            Self::ExactEip3009(terms) => terms.authorize(payer),
            Self::ExactPermit2(terms) => terms.authorize(payer),
            other => Err(CannotSign::UnsupportedScheme(other.scheme())),
        }
    }

    /// Whether these terms could be signed, whatever the payer will choose.
    pub fn signable(&self, payer: Address) -> Result<(), CannotSign> {
        match self {
            Self::ExactPermit(terms) => terms.signable(payer),
            Self::ExactEip3009(terms) => terms.signable().map(|_| ()),
            Self::ExactPermit2(terms) => terms.signable(),
            other => other.authorize(payer).map(|_| ()),
        }
    }

    /// Everything these terms say, as labelled facts.
    pub fn explain(&self) -> Vec<Explanation> {
        explain::terms(self)
    }
}
