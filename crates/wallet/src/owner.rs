//! What the owner looks at and steers: the queue, dangers, the record, sites, rules. Thin over the ledger;
//! changes to rules never touch a question that is already answered.

use crate::sign::{Header, Paper};
use crate::{Event, Wallet, WalletError, cut, lock};
use ledger::{Allowance, Papers, Payee, Payment, PaymentId, Rule, RuleKey, SiteTotals, Spent, Standing};
use plan::{AppId, Fact, Finding, Mode, Moment, Site, Weight};
use tron::Amount;

/// Dangers kept for a person to look at; older ones stay in the record.
const DANGERS_MAX: usize = 16;

/// A question that was taken back before this comes to nobody's front.
pub const LASTING_MS: i64 = 1_000;

/// A question with all that is shown about it.
#[derive(Clone, Debug)]
pub struct Question {
    pub payment: Payment,
    /// From 1.
    pub position: usize,
    pub queue: usize,
    pub app: Option<ledger::App>,
    pub document: String,
    /// How many options the 402 offers.
    pub options: usize,
    /// The typed data that would be signed; absent when nothing can be.
    pub typed_data: Option<serde_json::Value>,
    pub standing: Standing,
    /// Milliseconds that approving still waits.
    pub wait_ms: i64,
    /// Refused already: shown so that a person knows.
    pub danger: bool,
    /// Whoever asked hung up, or was not heard of for long.
    pub asker_gone: bool,
}

impl Wallet {
    /// Open questions in the order in which they came: the first stays first until it is answered.
    pub async fn open_questions(&self) -> Result<Vec<Payment>, WalletError> {
        self.db(|ledger| ledger.open_questions()).await
    }

    /// The open questions, complete, in order.
    pub async fn questions(&self) -> Result<Vec<Question>, WalletError> {
        let open = self.open_questions().await?;
        let queue = open.len();
        let mut out = Vec::with_capacity(queue);
        for (index, payment) in open.into_iter().enumerate() {
            if !self.is_over(&payment) {
                out.push(self.picture(payment, index + 1, queue, false).await?);
            }
        }
        Ok(out)
    }

    /// Whether a question is open that was not taken back at once: worth a window that comes to the front.
    pub async fn has_lasting_question(&self) -> Result<bool, WalletError> {
        let now = self.now();
        Ok(self.open_questions().await?.iter().any(|asked| now.since(asked.entered_at) >= LASTING_MS))
    }

    /// Refused because it was dangerous, and not looked at yet.
    pub async fn dangers(&self) -> Result<Vec<Question>, WalletError> {
        let ids = lock(&self.0.dangers).clone();
        let queue = ids.len();
        let mut out = Vec::with_capacity(queue);
        for (index, id) in ids.into_iter().enumerate() {
            let payment = self.row(id).await?;
            if payment.ended_at.is_some_and(|ended| self.now().since(ended) >= cut::KEPT_MS) {
                // Its document is cut, or about to be: who did not look in a day finds it in the record.
                lock(&self.0.dangers).retain(|d| *d != id);
                continue;
            }
            out.push(self.picture(payment, index + 1, queue, true).await?);
        }
        Ok(out)
    }

    /// The person saw it.
    pub async fn dismiss_danger(&self, id: PaymentId, block_site: bool) -> Result<(), WalletError> {
        let payment = self.row(id).await?;
        lock(&self.0.dangers).retain(|d| *d != id);
        if block_site {
            self.block_site(&payment.plan.site, true).await?;
        }
        self.emit(Event::Danger { id });
        Ok(())
    }

    /// Keeps what a person should see: a token or contract that is not what it says. A short balance or a late
    /// answer is told to the app alone.
    pub(crate) fn remember_danger(&self, payment: &Payment) {
        let odd = |f: &Finding| {
            let fact = &f.fact;
            matches!(fact, Fact::TokenUnknown { .. } | Fact::TokenLooksLike { .. } | Fact::ContractUnknown { .. })
                || matches!(fact, Fact::CallerMissing | Fact::DeadlineFar { .. } | Fact::ContractSuperseded { .. })
                || matches!(fact, Fact::DomainDiffers { .. })
        };
        if !payment.plan.findings.iter().any(|f| f.weight == Weight::Stop && odd(f)) {
            return;
        }
        {
            let mut dangers = lock(&self.0.dangers);
            // The newest are kept: a flood of old ones must not hide a new one.
            if dangers.len() >= DANGERS_MAX {
                dangers.remove(0);
            }
            dangers.push(payment.id);
        }
        self.emit(Event::Danger { id: payment.id });
    }

    async fn picture(
        &self,
        payment: Payment,
        position: usize,
        queue: usize,
        danger: bool,
    ) -> Result<Question, WalletError> {
        let (id, now) = (payment.id, self.now());
        let plan = &payment.plan;
        let (app, site, network, token) = (plan.app.clone(), plan.site.clone(), plan.network, plan.token.address);
        let (papers, app, standing) = self
            .db(move |ledger| {
                Ok((ledger.papers(id)?, ledger.app(&app)?, ledger.standing(&app, &site, network, token, now)?))
            })
            .await?;
        let paper = Paper::read(&papers.document, &payment)?;
        let typed_data = paper.authorization(plan).ok().map(|a| a.typed_data());
        let wait_ms = lock(&self.0.arming).wait_ms(&id, &payment.digest, self.0.time.boot_ms());
        let (options, document) = (paper.offer.options.len(), paper.offer.raw);
        let asker_gone = self.is_asker_gone(id);
        Ok(Question {
            payment,
            position,
            queue,
            app,
            document,
            options,
            typed_data,
            standing,
            wait_ms,
            danger,
            asker_gone,
        })
    }

    /// Totals per token over the whole record.
    pub async fn totals(&self) -> Result<Vec<ledger::Total>, WalletError> {
        self.db(|ledger| ledger.totals()).await
    }

    /// Play money on a chain inside this program.
    pub fn is_practice(&self) -> bool {
        self.0.options.nile.is_some()
    }

    /// Where the port listens, once it does.
    pub fn listening(&self) -> Option<String> {
        lock(&self.0.listening).clone()
    }

    pub fn set_listening(&self, address: Option<String>) {
        *lock(&self.0.listening) = address;
    }

    /// One payment with its documents and its allowance transactions.
    pub async fn payment(&self, id: PaymentId) -> Result<(Payment, Papers, Vec<Allowance>), WalletError> {
        let payment = self.row(id).await?;
        let (papers, allowances) = self.db(move |ledger| Ok((ledger.papers(id)?, ledger.allowances_of(id)?))).await?;
        Ok((payment, papers, allowances))
    }

    /// The header that pays, once there is a signature.
    pub async fn header(&self, id: PaymentId) -> Result<Option<Header>, WalletError> {
        let papers = self.db(move |ledger| ledger.papers(id)).await?;
        Ok(papers.header_name.zip(papers.header_value).map(|(name, value)| Header { name, value }))
    }

    pub async fn sites(&self) -> Result<Vec<SiteTotals>, WalletError> {
        self.db(|ledger| ledger.sites()).await
    }

    pub async fn site(&self, site: &Site) -> Result<(SiteTotals, Vec<Payee>), WalletError> {
        let site = site.clone();
        self.db(move |ledger| Ok((ledger.site(&site)?, ledger.payees(&site)?)))
            .await
            .and_then(|(totals, payees)| totals.map(|t| (t, payees)).ok_or(WalletError::NotFound { what: "site" }))
    }

    /// What was spent between each pair of neighbours in `bounds`.
    pub async fn spent_between(&self, bounds: Vec<Moment>, site: Option<Site>) -> Result<Vec<Vec<Spent>>, WalletError> {
        self.db(move |ledger| ledger.spent_between(&bounds, site.as_ref())).await
    }

    pub async fn block_site(&self, site: &Site, blocked: bool) -> Result<(), WalletError> {
        let (site, now) = (site.clone(), self.now());
        self.db(move |ledger| if blocked { ledger.block_site(&site, now) } else { ledger.unblock_site(&site) }).await?;
        self.emit(Event::Rules);
        Ok(())
    }

    /// As [`Wallet::block_site`], for the site's host with every scheme and port.
    pub async fn block_host(&self, site: &Site, blocked: bool) -> Result<(), WalletError> {
        let (site, now) = (site.clone(), self.now());
        self.db(move |ledger| if blocked { ledger.block_host(&site, now) } else { ledger.unblock_host(&site) }).await?;
        self.emit(Event::Rules);
        Ok(())
    }

    pub async fn rules(&self) -> Result<Vec<Rule>, WalletError> {
        let now = self.now();
        self.db(move |ledger| ledger.list_rules(now)).await
    }

    pub async fn set_rule(&self, key: RuleKey, mode: Mode) -> Result<(), WalletError> {
        if let Mode::Allow(limit) = &mode
            && [limit.per_payment, limit.per_day, limit.per_month].iter().all(Option::is_none)
        {
            let found = "none".to_owned();
            return Err(WalletError::Field { field: "mode", expected: "at least one limit", found });
        }
        let now = self.now();
        self.db(move |ledger| ledger.set_rule(&key, &mode, now)).await?;
        self.emit(Event::Rules);
        Ok(())
    }

    pub async fn remove_rule(&self, key: RuleKey) -> Result<(), WalletError> {
        self.db(move |ledger| ledger.remove_rule(&key)).await?;
        self.emit(Event::Rules);
        Ok(())
    }

    /// The rules that mention this app, with what is spent under them.
    pub async fn budget(&self, app: &AppId) -> Result<Vec<Rule>, WalletError> {
        Ok(self.rules().await?.into_iter().filter(|r| r.key.app == *app).collect())
    }

    /// Balances of an account on a network: TRX in sun, then known tokens.
    pub async fn balances(
        &self,
        account: tron::Address,
        network: tron::Network,
    ) -> Result<(u64, Vec<(&'static tron::token::Token, Amount)>), WalletError> {
        let node = self.node(network)?;
        let tokens = tron::token::all().iter().filter(|t| t.network == network);
        let reads = tokens.map(|t| async move { node.balance(t.address, account).await.map(|b| (t, b)) });
        let (trx, balances) = tokio::join!(node.trx_balance(account), futures::future::join_all(reads));
        // A token that is not deployed where we are has no balance to show; one that nobody could ask about is not zero.
        let known = |read: &Result<_, chain::ChainError>| read.as_ref().err().is_none_or(chain::ChainError::is_silence);
        Ok((trx?, balances.into_iter().filter(known).collect::<Result<_, _>>()?))
    }

    /// The network whose balances are shown: Nile in the devnet profile, otherwise the main network.
    pub fn home(&self) -> tron::Network {
        match self.0.options.nile {
            Some(_) => tron::Network::Nile,
            None => tron::Network::Mainnet,
        }
    }
}
