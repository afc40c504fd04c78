//! What the chain said about an account a moment ago, and the record about a seller, each with its age, so that a
//! payment that a limit allows waits neither for a node nor for long questions. Figures from memory may let a payment
//! through and never stop one: whatever they do not plainly allow is looked up again before anybody is asked or
//! refused. Forgets by boot time, which counts sleep.

use crate::{Wallet, WalletError, lock};
use ledger::{HistoryKey, Payment, PaymentId, Settlement};
use plan::{AppId, History, Plan, Role, Site};
use policy::{ChainFacts, TokenSays};
use std::collections::{HashMap, HashSet};
use tron::{Address, Amount, Network};
use x402::{Terms, U256};

/// A figure that is older than this lets nothing through.
const FRESH_MS: i64 = 30_000;
/// A figure that is used and older than this is read again, while the payment goes on.
const REFRESH_MS: i64 = 5_000;
/// More accounts than this are not remembered.
const MOST: usize = 1024;

/// Where a plan learns what the chain says.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    Chain,
    /// From the last half minute, without waiting for a node: good for a signature that a limit allows and nothing else.
    Memory,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Figure {
    Balance { network: Network, token: Address, owner: Address },
    Allowance { network: Network, token: Address, owner: Address, spender: Address },
}

/// Who sells for which token, as the record knows them.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Seller {
    pub site: Site,
    pub payee: Address,
    /// The fee's recipient and the caller, where the 402 names them.
    pub others: Vec<(Role, Address)>,
    pub network: Network,
    pub token: Address,
}

#[derive(Default)]
pub(crate) struct Memory {
    /// Amount in the token's smallest unit, and the boot time at which it was asked for.
    figures: HashMap<Figure, (Amount, i64)>,
    /// What the record said about sellers, and the boot time at which it was asked.
    sellers: HashMap<Seller, (History, i64)>,
    /// Payments whose nonce was used on the chain while nobody was known to have used it. At their sites the chain is
    /// always looked at first, until the payment's own transaction is seen.
    doubted: HashMap<PaymentId, Site>,
    /// The time of the newest block that each network's node told, and the boot time at which it was asked.
    pub heads: HashMap<Network, (i64, i64)>,
    /// Accounts that are being read just now.
    reading: HashSet<Figure>,
}

impl Memory {
    fn store(&mut self, figure: Figure, amount: Option<Amount>, asked_ms: i64) {
        if let Some(amount) = amount
            && (self.figures.len() < MOST || self.figures.contains_key(&figure))
        {
            self.figures.insert(figure, (amount, asked_ms));
        }
    }

    fn fresh(&self, figure: Figure, now_ms: i64) -> Option<Amount> {
        let (amount, asked_ms) = self.figures.get(&figure)?;
        (now_ms - asked_ms <= FRESH_MS).then_some(*amount)
    }

    fn seller(&self, seller: &Seller, now_ms: i64) -> Option<History> {
        let (history, asked_ms) = self.sellers.get(seller)?;
        (now_ms - asked_ms <= FRESH_MS).then(|| history.clone())
    }

    fn store_seller(&mut self, seller: Seller, history: History, asked_ms: i64) {
        self.sellers.retain(|_, (_, at)| asked_ms - *at <= FRESH_MS);
        // Before there is a usual price, the very next payment makes one, and the one after it is compared with that.
        if history.usual_price.is_some() && self.sellers.len() < MOST {
            self.sellers.insert(seller, (history, asked_ms));
        }
    }

    fn lower(&mut self, figure: Figure, by: Amount) {
        if let Some((amount, _)) = self.figures.get_mut(&figure) {
            *amount = amount.saturating_sub(by);
        }
    }
}

fn balance_of(terms: &Terms, owner: Address) -> Figure {
    Figure::Balance { network: terms.network(), token: terms.token(), owner }
}

fn allowance_of(terms: &Terms, owner: Address) -> Option<Figure> {
    let (network, token) = (terms.network(), terms.token());
    terms.spender().map(|spender| Figure::Allowance { network, token, owner, spender })
}

impl Wallet {
    /// What is known about the payer: from the chain, or from memory where that knows everything that is needed.
    pub(crate) async fn look(
        &self,
        look: Look,
        site: &Site,
        terms: &Terms,
        payer: Address,
        nonce: U256,
    ) -> Result<ChainFacts, WalletError> {
        if look == Look::Memory {
            // Another option may look better only because less is known about this one: then none is planned.
            let known = self.remembered(site, terms, payer);
            return known.ok_or(WalletError::Check { check: "memory of the chain" });
        }
        let asked_ms = self.0.time.boot_ms();
        let (mut facts, ()) =
            tokio::join!(Box::pin(self.chain_facts(terms, payer, nonce)), self.see_head(terms.network()));
        facts.clock_ahead_ms = self.clock_ahead_ms(terms.network());
        let mut memory = lock(&self.0.memory);
        memory.store(balance_of(terms, payer), facts.balance, asked_ms);
        if let Some(figure) = allowance_of(terms, payer) {
            memory.store(figure, facts.allowance, asked_ms);
        }
        Ok(facts)
    }

    /// `None` unless everything that the scheme needs is fresh. The nonce counts as unused: the contract takes
    /// none twice, and [`Wallet::look_behind`] finds out.
    fn remembered(&self, site: &Site, terms: &Terms, payer: Address) -> Option<ChainFacts> {
        // No window without a block's time.
        let clock_ahead_ms = Some(self.clock_ahead_ms(terms.network())?);
        let (memory, now_ms) = (lock(&self.0.memory), self.0.time.boot_ms());
        if memory.doubted.values().any(|doubted| doubted == site) {
            return None;
        }
        let balance = memory.fresh(balance_of(terms, payer), now_ms)?;
        let allowance = match allowance_of(terms, payer) {
            Some(figure) => Some(memory.fresh(figure, now_ms)?),
            None => None,
        };
        Some(ChainFacts {
            balance: Some(balance),
            allowance,
            nonce_used: Some(false),
            token: TokenSays::Nothing,
            clock_ahead_ms,
            ..ChainFacts::default()
        })
    }

    /// Looks at the chain behind a payment from memory: the nonce, and figures that grow old. A site whose
    /// nonce was used before gets nothing more on the short way; what it got is worth nothing on the chain. A seller
    /// may be so quick that it was this very payment which used it: see [`Wallet::taken`].
    pub(crate) async fn look_behind(&self, payment: &Payment, terms: Terms) {
        let (id, site, payer) = (payment.id, &payment.plan.site, payment.plan.payer);
        let Some(nonce) = terms.nonce() else { return };
        let (used, ()) = tokio::join!(self.nonce_used(&terms, payer, nonce), self.refresh(&terms, payer));
        // Its own transaction may have been seen meanwhile, which is no reason to doubt anybody.
        let seen = async || matches!(self.row(id).await, Ok(row) if settled_by_itself(&row));
        if matches!(used, Ok(true)) && !seen().await {
            lock(&self.0.memory).doubted.insert(id, site.clone());
            // Whoever saw the transaction before this found no doubt to take back.
            match seen().await {
                true => drop(lock(&self.0.memory).doubted.remove(&id)),
                false => tracing::info!(payment = %id, %site, "its nonce is used and its transaction was not seen yet"),
            }
        }
    }

    /// What earlier payments say. From memory, other payees and the usual price are of the last half minute; what has
    /// passed since was judged itself and no price rose past what is usual without a person.
    pub(crate) async fn history(
        &self,
        look: Look,
        seller: Seller,
        url: &str,
        (app, payer, own): (&AppId, Address, Option<PaymentId>),
    ) -> Result<History, WalletError> {
        let now_ms = self.0.time.boot_ms();
        let earlier = match look {
            Look::Memory => lock(&self.0.memory).seller(&seller, now_ms),
            Look::Chain => None,
        };
        let (known, of, url, app) = (earlier.is_some(), seller.clone(), url.to_owned(), app.clone());
        let history = self.db(move |ledger| {
            let Seller { site, payee, others, network, token } = &of;
            let (payee, network, token) = (*payee, *network, *token);
            let key = HistoryKey { app: &app, site, payee, others, network, token, url: &url, payer, own };
            match earlier {
                Some(earlier) => ledger.history_again(&key, earlier),
                None => ledger.history(&key),
            }
        });
        let history = history.await?;
        if !known {
            lock(&self.0.memory).store_seller(seller, history.clone(), now_ms);
        }
        Ok(history)
    }

    async fn refresh(&self, terms: &Terms, payer: Address) {
        let (figure, asked_ms) = (balance_of(terms, payer), self.0.time.boot_ms());
        {
            let mut memory = lock(&self.0.memory);
            let old = memory.figures.get(&figure).is_none_or(|(_, at)| asked_ms - at > REFRESH_MS);
            if !old || !memory.reading.insert(figure) {
                return;
            }
        }
        if let Ok(node) = self.node(terms.network()) {
            let allowance = async {
                match terms.spender() {
                    Some(spender) => node.allowance(terms.token(), payer, spender).await.ok(),
                    None => None,
                }
            };
            let (balance, allowance) = tokio::join!(node.balance(terms.token(), payer), allowance);
            let mut memory = lock(&self.0.memory);
            memory.store(figure, balance.ok(), asked_ms);
            if let Some(figure) = allowance_of(terms, payer) {
                memory.store(figure, allowance, asked_ms);
            }
        }
        lock(&self.0.memory).reading.remove(&figure);
    }

    /// A payment was seen on chain: what it took is gone from what is remembered. A figure that was read after it
    /// is lowered twice until it is read again, which lets less through and stops nothing.
    pub(crate) fn taken(&self, payment: &Payment) {
        let plan = &payment.plan;
        let (network, token, owner) = (plan.network, plan.token.address, plan.payer);
        let mut memory = lock(&self.0.memory);
        memory.lower(Figure::Balance { network, token, owner }, plan.maximum);
        memory.lower(Figure::Allowance { network, token, owner, spender: spender_of(plan) }, plan.maximum);
        if settled_by_itself(payment) {
            memory.doubted.remove(&payment.id);
        }
    }
}

/// Whose allowance a payment takes: Permit2's where its proxy settles, else the settling contract's own.
fn spender_of(plan: &Plan) -> Address {
    let sets = &tron::registry::deployments(plan.network).permit2;
    sets.iter().find(|set| set.exact_proxy == plan.contract).map_or(plan.contract, |set| set.permit2)
}

/// Its own transaction was seen: a nonce that is merely used can be another's work.
const fn settled_by_itself(payment: &Payment) -> bool {
    matches!(payment.settlement, Some(Settlement::Seen { tx: Some(_) } | Settlement::Final { tx: Some(_), .. }))
}
