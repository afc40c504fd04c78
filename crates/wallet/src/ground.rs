//! What a plan's findings were made from, kept beside it: whoever is about to sign finds anew with what the record says
//! at that very moment, and asks no node for it. Decides nothing.

use crate::planner::Claims;
use plan::{Fee, Finding, History, Moment, Permit2AtSite, Site, TokenRef, Window};
use policy::{ChainFacts, Draft};
use tron::{Address, Amount, Network};

pub(crate) struct Ground {
    pub site: Site,
    pub request_url: String,
    pub claimed_resource: Option<String>,
    pub network: Network,
    pub token: TokenRef,
    pub token_added: bool,
    pub claims: Claims,
    pub contract: Address,
    pub contract_known: bool,
    pub caller_missing: bool,
    pub payer: Address,
    pub payee: Address,
    pub price: Amount,
    pub fee: Option<Fee>,
    pub maximum: Amount,
    pub window: Window,
    pub needs_allowance: bool,
    /// The offer names no Permit2 contract; where it does, the site's other offers say nothing about it.
    pub permit2_open: bool,
    /// As the chain told it: what is promised elsewhere is not taken off.
    pub chain: ChainFacts,
}

impl Ground {
    /// What the chain says, less what the record has promised elsewhere.
    pub fn facts(&self, history: &History) -> ChainFacts {
        let less = |amount: Option<Amount>| amount.map(|amount| amount.saturating_sub(history.promised));
        ChainFacts {
            balance: less(self.chain.balance),
            allowance: less(self.chain.allowance),
            token: self.chain.token.clone(),
            trial: self.chain.trial.clone(),
            ..self.chain
        }
    }

    /// The allowance that is needed, where one is missing.
    pub fn need(&self, history: &History) -> Amount {
        history.promised.saturating_add(self.maximum)
    }

    pub fn findings(&self, history: &History, now: Moment) -> Vec<Finding> {
        let draft = Draft {
            site: &self.site,
            request_url: &self.request_url,
            claimed_resource: self.claimed_resource.as_deref(),
            network: self.network,
            token: &self.token,
            token_added: self.token_added,
            claimed_symbol: self.claims.symbol.as_deref(),
            claimed_decimals: self.claims.decimals,
            contract: self.contract,
            contract_known: self.contract_known,
            caller_missing: self.caller_missing,
            payer: self.payer,
            payee: self.payee,
            price: self.price,
            fee: self.fee.as_ref(),
            maximum: self.maximum,
            window: self.window,
            needs_allowance: self.needs_allowance,
        };
        let named;
        let history = match self.permit2_open {
            true => history,
            false => {
                named = History { permit2: Permit2AtSite::default(), ..history.clone() };
                &named
            }
        };
        policy::findings(&draft, history, &self.facts(history), now)
    }
}
