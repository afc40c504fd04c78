//! What the record knows that a judgement needs: earlier payments to this payee, site and resource. Plain
//! values; `ledger` fills them in, `policy` weighs them.

use crate::{Moment, Role, Site};
use tron::{Address, Amount};

/// What was approved before: reserved or signed. What a person turned down makes nobody known. How often somebody was paid
/// is told by what the chain has shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    /// Payments to this payee on this network, at any site.
    pub payee_times: u64,
    pub payee_since: Option<Moment>,
    /// Of these, settled: how many, and since when.
    pub payee_settled: Option<(u64, Moment)>,
    /// Whom this site was approved at on this network, most often first, each with the number of settlements.
    pub payees_of_site: Vec<(Address, u64)>,
    /// Other payees of the record that share first or last characters with this one.
    pub similar_payees: Vec<Address>,
    /// The fee's recipient and the caller, where there are such.
    pub others: Vec<Earlier>,
    /// Sites that were paid, where this one never was; else empty.
    pub other_sites: Vec<Site>,
    /// The median of this site's last prices in this token.
    pub usual_price: Option<Amount>,
    /// The last payment for the same resource to the same payee; or to another one, while its outcome is not known.
    pub same_resource: Option<Recent>,
    /// An earlier question for the same resource that is still open: of the same app, else of another one.
    pub asked_too: Option<AskedToo>,
    /// What the payer has promised elsewhere in this token and the chain has not taken yet: reserved, or signed and
    /// neither seen nor proven unused. Neither balance nor allowance is there for it twice.
    pub promised: Amount,
    /// The Permit2 deployments that this site was paid through on this network.
    pub permit2: Permit2AtSite,
    /// The newest moment on record: nothing is written down as earlier.
    pub newest: Moment,
}

/// Which of a network's Permit2 deployments a site is paid through. Each is a deployment's name in the registry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Permit2AtSite {
    /// A person selected it for this site.
    pub chosen: Option<String>,
    /// The chain showed the last settlement of the site through it.
    pub settled: Option<String>,
    /// The seller called a signature for it wrong, and nothing was settled through it since.
    pub refused: Option<String>,
}

impl Default for History {
    /// Nothing was paid before.
    fn default() -> Self {
        Self {
            payee_times: 0,
            payee_since: None,
            payee_settled: None,
            payees_of_site: Vec::new(),
            similar_payees: Vec::new(),
            others: Vec::new(),
            other_sites: Vec::new(),
            usual_price: None,
            same_resource: None,
            asked_too: None,
            promised: Amount::ZERO,
            permit2: Permit2AtSite::default(),
            newest: Moment(0),
        }
    }
}

/// What earlier payments say about somebody beside the payee.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Earlier {
    pub role: Role,
    pub address: Address,
    /// Approved in this role on this network, at any site.
    pub times: u64,
    /// Of these, settled.
    pub settled: u64,
    /// Who had this role at this site, most often first, each with the number of settlements.
    pub of_site: Vec<(Address, u64)>,
    /// Other recipients of the record that share first or last characters with this one.
    pub similar: Vec<Address>,
}

/// An earlier question for the same thing, which nobody has answered yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedToo {
    pub at: Moment,
    /// The payment's id.
    pub payment: String,
    /// The same app asked it.
    pub same_app: bool,
}

/// An earlier payment for the same thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recent {
    pub at: Moment,
    /// The payment's id.
    pub payment: String,
    /// Its caller reported that the resource was delivered: paying again is a new purchase, not a retry.
    pub delivered: bool,
    /// Its caller reported that the seller refused to deliver.
    pub refused: bool,
    /// Nobody knows whether it was settled, and it still may be.
    pub unknown: bool,
}
