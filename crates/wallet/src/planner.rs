//! Turns a raw 402 into a plan: which option, which token by address, who is paid, most that can leave, for
//! how long, what is odd about it. Reads chain and record; refuses what cannot be paid, signs nothing.

use crate::asked::Asked;
use crate::choosing;
use crate::facts::{Look, Seller};
use crate::ground::Ground;
use crate::sign::Paper;
use crate::{Config, OpenError, Options, Unpayable, Wallet, WalletError};
use chain::{NodeConfig as Node, TronGrid};
use ledger::{Payment, PaymentId};
use plan::{AllowanceNeed, AppId, Fact, Fee, Finding, Plan, PlanDigest, Role, TokenRef, Weight, Window};
use policy::{ChainFacts, TokenSays, Trial};
use std::collections::BTreeMap;
use std::time::Duration;
use tron::{Address, Network, abi, token};
use x402::{CannotSign, Fresh, Requirements, Scheme, Terms, U256};

/// Schemes that the wallet pays with.
const PAYABLE: [Scheme; 3] = [Scheme::ExactPermit, Scheme::ExactEip3009, Scheme::ExactPermit2];

/// How long a busy node is asked again for one thing: somebody waits for the question.
const PATIENCE: Duration = Duration::from_secs(6);

/// A plan with what it was made from.
pub(crate) struct Planned {
    pub plan: Plan,
    pub digest: PlanDigest,
    /// In decimal.
    pub nonce: String,
    /// The 402 dictates nonce and window.
    pub dictated: bool,
    pub ground: Ground,
}

impl Planned {
    /// Adds what is not found in it but said about it.
    pub fn say(mut self, finding: Finding) -> Self {
        self.plan.findings.push(finding);
        self.digest = PlanDigest::of(&self.plan);
        self
    }
}

/// What to plan.
pub(crate) struct Try<'a> {
    pub option: &'a Requirements,
    pub terms: &'a Terms,
    pub payer: Address,
    /// The payment that this is about already.
    pub own: Option<PaymentId>,
    /// The nonce that was chosen for it.
    pub nonce: Option<U256>,
    pub look: Look,
}

/// One client per network that this profile serves.
pub(crate) fn nodes(config: &Config, options: &Options) -> Result<BTreeMap<Network, TronGrid>, OpenError> {
    let timeout = Duration::from_secs(u64::from(config.node_seconds.clamp(1, 60)));
    let mut nodes = BTreeMap::new();
    let key = chain::ApiKey::of_environment();
    for network in Network::ALL {
        // The devnet profile knows its own chain and nothing else; its keys never meet a real network.
        let list = match (&options.nile, network) {
            (Some(own), Network::Nile) => vec![node(own.clone())],
            (Some(_), _) => continue,
            (None, _) => config.nodes(network).into_iter().map(|n| node(n).or_key(key.as_ref())).collect(),
        };
        let settings = chain::Config { network, nodes: list, timeout, patience: timeout.min(PATIENCE) };
        let client = TronGrid::new(settings).map_err(OpenError::Node)?;
        nodes.insert(network, client);
    }
    Ok(nodes)
}

fn node(set: crate::NodeConfig) -> Node {
    let crate::NodeConfig { url, solidity_url, jsonrpc_url, api_key } = set;
    Node { url, solidity_url, jsonrpc_url, api_key: api_key.map(chain::ApiKey::new) }
}

impl Wallet {
    /// Plans again the option that a question was about.
    pub(crate) async fn plan_again(&self, payment: &Payment, document: &str) -> Result<Planned, WalletError> {
        let old = &payment.plan;
        let asked = Asked::again(old, document)?;
        let option = asked.offer.options.get(old.option).ok_or(WalletError::Check { check: "option of the row" })?;
        let terms = Paper::read(document, payment)?.terms()?.clone();
        let nonce = terms.nonce();
        let what = Try { option, terms: &terms, payer: old.payer, own: Some(payment.id), nonce, look: Look::Chain };
        let planned = Box::pin(self.plan_option(&old.app, &asked, what)).await?;
        let chosen = old.findings.iter().find(|found| matches!(found.fact, Fact::OptionChosen { .. }));
        Ok(match chosen {
            Some(chosen) => planned.say(chosen.clone()),
            None => planned,
        })
    }

    /// The option's terms, through the deployment that is selected for this site, if they could be paid at all.
    pub(crate) async fn payable(
        &self,
        option: &Requirements,
        site: &plan::Site,
        payer: Address,
    ) -> Result<Result<Terms, Unpayable>, WalletError> {
        let terms = match option.terms.as_ref().map_err(Unpayable::of) {
            Ok(terms) => terms,
            Err(reason) => return Ok(Err(reason)),
        };
        if !self.0.nodes.contains_key(&terms.network()) {
            return Ok(Err(Unpayable::Network(terms.network().label().to_owned())));
        }
        match refused(terms, payer) {
            Some(reason) => Ok(Err(reason)),
            None => self.through(terms, site).await.map(Ok),
        }
    }

    pub(crate) async fn plan_option(&self, app: &AppId, asked: &Asked, what: Try<'_>) -> Result<Planned, WalletError> {
        let Try { option, payer, own, .. } = what;
        let dictated = !what.terms.chosen_by_payer();
        let network = what.terms.network();
        let lifetime = choosing::lifetime(what.terms).filter(|_| !dictated);
        let chosen = match lifetime {
            Some(_) => Some(what.nonce.map_or_else(choosing::nonce, Ok)?),
            None => None,
        };
        // A window of our own begins with the yes: this one only says how long it holds.
        let completed = |now| match (lifetime, chosen) {
            (Some(lifetime), Some(nonce)) => {
                let Window { valid_after, valid_before } = choosing::window(lifetime, now);
                what.terms.with(Fresh { nonce, valid_after, valid_before })
            }
            _ => what.terms.clone(),
        };
        let terms = &completed(self.dated(network));
        let (caller_missing, foreign) = match terms.signable(payer) {
            Err(CannotSign::MissingCaller) => (true, None),
            Err(CannotSign::ContractNotInRegistry { found, .. }) => (false, Some(found)),
            _ => (false, None),
        };
        let maximum = terms.maximum().ok_or(WalletError::Check { check: "maximum of the terms" })?;
        let nonce = terms.nonce().ok_or(WalletError::Check { check: "nonce of the terms" })?;
        let spender = terms.spender();
        // First of all: what memory does not know must not ask a node for anything.
        let vouching = async { Ok(self.vouched(terms).await) };
        let (chain, vouched) = tokio::try_join!(self.look(what.look, &asked.site, terms, payer, nonce), vouching)?;
        // A block may have told the time meanwhile.
        let terms = &completed(self.dated(network));
        let (valid_after, valid_before) = terms.window().ok_or(WalletError::Check { check: "window of the terms" })?;
        let window = Window { valid_after, valid_before };
        let (token, added) = self.token(network, terms.token()).await?;
        // A contract that nobody could look at counts as no answer from the chain: a person is asked.
        let nonce_used = chain.nonce_used.filter(|_| vouched.good.is_some());
        let fee = terms.fee().filter(|f| !f.amount.is_zero()).map(|f| Fee { to: f.to, amount: f.amount });
        let caller = terms.fee().and_then(|fee| fee.caller);
        let others = fee.as_ref().map(|fee| (Role::Fee, fee.to)).into_iter().chain(caller.map(|to| (Role::Caller, to)));
        let seller = Seller {
            site: asked.site.clone(),
            payee: terms.payee(),
            others: others.collect(),
            network,
            token: token.address,
        };
        let mut history = self.history(what.look, seller, &asked.request.url, (app, payer, own)).await?;
        if terms.leaves_permit2_open() {
            history.permit2 = self.permit2_at(&asked.site, network).await?;
        }
        // A token that can't tell a nonce has none of the functions.
        let token_says = if chain.token == TokenSays::CannotAuthorize { chain.token } else { vouched.token };
        let mut ground = Ground {
            permit2_open: terms.leaves_permit2_open(),
            site: asked.site.clone(),
            request_url: asked.url.clone(),
            claimed_resource: asked.claimed_resource().map(str::to_owned),
            network,
            token: token.clone(),
            token_added: added,
            claims: Claims::of(option),
            contract: foreign.unwrap_or(terms.settler()),
            contract_known: in_its_role(terms) && foreign.is_none() && vouched.good != Some(false),
            caller_missing,
            payer,
            payee: terms.payee(),
            price: terms.price(),
            fee: fee.clone(),
            maximum,
            window,
            needs_allowance: spender.is_some(),
            chain: ChainFacts { nonce_used, token: token_says, ..chain },
        };
        let mut findings = ground.findings(&history, self.judged_at(network));
        let stopped = findings.iter().any(|f| f.weight == Weight::Stop);
        let missing = findings.iter().any(|f| matches!(f.fact, Fact::AllowanceMissing { .. }));
        let allowance = match (spender, ground.chain.allowance) {
            // What is refused anyway is not simulated: the token could answer whatever it likes.
            (Some(spender), Some(have)) if missing && !stopped => {
                let need = ground.need(&history);
                let cost = Box::pin(self.approval_cost(network, token.address, payer, spender, need)).await?;
                // What the account can't send is not asked for; where no node tells, a person decides.
                ground.chain.sender = self.sender(network, payer, &cost).await.ok();
                findings = ground.findings(&history, self.judged_at(network));
                Some(AllowanceNeed { spender, have, need, cost_sun: cost.most_sun() })
            }
            _ => None,
        };
        let plan = Plan {
            app: app.clone(),
            site: asked.site.clone(),
            provenance: asked.provenance,
            request: asked.request.clone(),
            document: asked.offer.hash(),
            option: option.index,
            scheme: terms.scheme(),
            network,
            payer,
            payee: terms.payee(),
            token,
            contract: terms.settler(),
            price: terms.price(),
            fee,
            caller,
            maximum,
            window,
            allowance,
            balance: ground.facts(&history).balance,
            findings,
            site_words: asked.site_words(),
            app_words: asked.reason.clone(),
        };
        Ok(Planned { digest: PlanDigest::of(&plan), plan, nonce: nonce.to_string(), dictated, ground })
    }

    /// The token by its address: from the table, from what the person added, or as the contract claims.
    async fn token(&self, network: Network, address: Address) -> Result<(TokenRef, bool), WalletError> {
        if let Some(known) = token::lookup(network, address) {
            let symbol = known.symbol.to_owned();
            return Ok((TokenRef { address, symbol, decimals: known.decimals, known: true }, false));
        }
        let added = self.db(|ledger| ledger.tokens()).await?;
        if let Some(own) = added.into_iter().find(|t| t.network == network && t.address == address) {
            return Ok((TokenRef { address, symbol: own.symbol, decimals: own.decimals, known: false }, true));
        }
        let claims = self.node(network)?.token_claims(address).await.ok();
        let (symbol, decimals) = claims.map(|c| (c.symbol, c.decimals)).unwrap_or_default();
        Ok((TokenRef { address, symbol, decimals, known: false }, false))
    }

    /// What the chain says; a part that no node answers stays unknown.
    pub(crate) async fn chain_facts(&self, terms: &Terms, payer: Address, nonce: U256) -> ChainFacts {
        let Ok(node) = self.node(terms.network()) else { return ChainFacts::default() };
        let allowance = async {
            match terms.spender() {
                Some(spender) => node.allowance(terms.token(), payer, spender).await.ok(),
                None => None,
            }
        };
        let (balance, allowance, nonce_used, trial) = tokio::join!(
            node.balance(terms.token(), payer),
            allowance,
            self.nonce_used(terms, payer, nonce),
            node.simulate(payer, terms.token(), abi::transfer(terms.payee(), terms.price()))
        );
        // Without the money it fails anyway, which is told by itself.
        let trial = match (&balance, trial) {
            (Ok(have), Ok(run)) if *have >= terms.price() => Box::pin(tried(node, terms.token(), payer, run)).await,
            _ => Trial::Unknown,
        };
        let reverted = matches!(nonce_used, Err(WalletError::Node(chain::ChainError::Reverted { .. })));
        let token = match reverted && terms.scheme() == Scheme::ExactEip3009 {
            true => TokenSays::CannotAuthorize,
            false => TokenSays::Nothing,
        };
        let (balance, nonce_used) = (balance.ok(), nonce_used.ok());
        ChainFacts { balance, allowance, nonce_used, token, trial, ..ChainFacts::default() }
    }
}

/// What a trial run of the transfer tells; where it failed, the token is asked why, in the words that tokens have for it.
/// One that knows no such word has no such reason.
async fn tried(node: &TronGrid, token: Address, payer: Address, run: chain::Simulation) -> Trial {
    // What it returns says nothing: USDT moves and answers false.
    if run.ok {
        return Trial::Goes;
    }
    let [black, block] = abi::blocked(payer);
    let asked = [abi::paused(), black, block].map(|data| node.call(token, data));
    let said = futures::future::join_all(asked).await;
    let mut yes = said.into_iter().map(|said| said.is_ok_and(|output| abi::decode_bool(&output) == Some(true)));
    match (yes.next(), yes.any(|yes| yes)) {
        (Some(true), _) => Trial::Paused,
        (_, true) => Trial::Blocked,
        _ => Trial::Fails { reason: run.revert.unwrap_or_else(|| "without a reason".to_owned()) },
    }
}

/// Why terms that can be read are never paid with here, whatever chain and record say.
pub(crate) fn refused(terms: &Terms, payer: Address) -> Option<Unpayable> {
    if !PAYABLE.contains(&terms.scheme()) {
        return Some(Unpayable::Scheme(terms.scheme().name().to_owned()));
    }
    if terms.chosen_by_payer() && choosing::lifetime(terms).is_none() {
        let reason = "maxTimeoutSeconds leaves a facilitator no time to settle";
        return Some(Unpayable::CannotSign(reason.to_owned()));
    }
    match terms.signable(payer) {
        // Planned all the same, so that the refusal stands in the record with its reason.
        Ok(()) | Err(CannotSign::MissingCaller | CannotSign::ContractNotInRegistry { .. }) => None,
        Err(CannotSign::UnsupportedScheme(scheme)) => Some(Unpayable::Scheme(scheme.name().to_owned())),
        Err(other) => Some(Unpayable::CannotSign(other.to_string())),
    }
}

/// The registry knows the contract that settles in the role that the scheme needs; a token's own function needs none.
fn in_its_role(terms: &Terms) -> bool {
    use tron::registry::{Role, role};
    let found = role(terms.network(), terms.settler());
    match terms.scheme() {
        Scheme::ExactEip3009 => true,
        Scheme::ExactPermit2 => found == Some(Role::ExactProxy),
        _ => found == Some(Role::PaymentPermit),
    }
}

/// The server's own words for the token, wherever SDKs put them.
#[derive(Default)]
pub(crate) struct Claims {
    pub symbol: Option<String>,
    pub decimals: Option<u64>,
}

impl Claims {
    pub fn of(option: &Requirements) -> Self {
        let text = |key: &str| option.extra.get(key).and_then(|v| v.as_str()).map(str::to_owned);
        let number = |key: &str| {
            let value = option.extra.get(key)?;
            value.as_u64().or_else(|| value.as_str().and_then(|s| s.parse().ok()))
        };
        Self {
            symbol: text("symbol").or_else(|| text("tokenSymbol")).or_else(|| text("name")),
            decimals: number("decimals").or_else(|| number("tokenDecimals")),
        }
    }
}

impl Unpayable {
    pub(crate) fn of(unusable: &x402::Unusable) -> Self {
        match unusable {
            x402::Unusable::UnknownNetwork { found } => Self::Network(found.clone()),
            x402::Unusable::UnknownScheme { found } => Self::Scheme(found.clone()),
            x402::Unusable::OtherPayload { .. } => Self::CannotSign(unusable.to_string()),
            x402::Unusable::Field(e) | x402::Unusable::UnknownMethod { wrong: e, .. } => {
                Self::Malformed { field: e.field.clone(), found: e.found.clone(), expected: e.expected.clone() }
            }
        }
    }

    /// One clause for an error's list.
    pub fn told(&self) -> String {
        match self {
            Self::Network(found) => format!("network {found} is not served here"),
            Self::Scheme(found) => format!("scheme {found} is not supported"),
            Self::CannotSign(reason) => reason.clone(),
            Self::Malformed { field, found, expected } => format!("{field}: expected {expected}, found {found}"),
        }
    }
}
