//! x402 on TRON as values: messages, headers and every scheme, each as a pure module. No I/O, no clock,
//! no key; refuses what is ambiguous where money is decided and keeps what it does not know.

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
}
