//! What is odd about an offer by itself: for the inspector, without a wallet, a record or a chain. Says
//! nothing that would need one of them.

use crate::Unpayable;
use crate::planner::Claims;
use plan::{AppId, Fact, Fee, Finding, History, Moment, Plan, Provenance, Request, Site, TokenRef, Window};
use policy::{ChainFacts, Draft, TokenSays};
use tron::{Address, Amount, token};
use x402::{CannotSign, Offer, Terms};

/// The options that decode, each as a plan with the findings that the document alone allows. Nobody pays it:
/// the payer is the zero address. Without a time the offer is judged as of its own end.
pub fn odd(offer: &Offer, at: Option<Moment>) -> Vec<Plan> {
    let url = offer.resource.as_ref().map_or("", |r| r.url.as_str());
    let site = Site::of(url).or_else(|_| Site::of("https://unknown.invalid"));
    let Ok(site) = site else { return vec![] };
    let mut plans = Vec::new();
    for option in &offer.options {
        let Ok(terms) = &option.terms else { continue };
        let cannot = terms.signable(PAYER).err();
        let foreign = match &cannot {
            Some(CannotSign::ContractNotInRegistry { found, .. }) => Some(*found),
            _ => None,
        };
        let (network, address) = (terms.network(), terms.token());
        let token = match token::lookup(network, address) {
            Some(t) => TokenRef { address, symbol: t.symbol.to_owned(), decimals: t.decimals, known: true },
            None => TokenRef { address, symbol: String::new(), decimals: 0, known: false },
        };
        let claims = Claims::of(option);
        let fee = terms.fee().filter(|f| !f.amount.is_zero()).map(|f| Fee { to: f.to, amount: f.amount });
        let maximum = terms.maximum().unwrap_or(terms.price());
        let (valid_after, valid_before) = terms.window().unwrap_or((0, 1));
        let window = Window { valid_after, valid_before };
        let end = Moment::from_secs(i64::try_from(valid_before.saturating_sub(1)).unwrap_or(0));
        // Where the client chooses the window, there is nothing to be late for.
        let now = at.filter(|_| terms.window().is_some()).unwrap_or(end);
        let contract = foreign.unwrap_or(terms.settler());
        let draft = Draft {
            site: &site,
            request_url: url,
            claimed_resource: None,
            network,
            token: &token,
            token_added: false,
            claimed_symbol: claims.symbol.as_deref(),
            claimed_decimals: claims.decimals,
            contract,
            contract_known: foreign.is_none(),
            caller_missing: cannot == Some(CannotSign::MissingCaller),
            payer: Address::ZERO,
            payee: terms.payee(),
            price: terms.price(),
            fee: fee.as_ref(),
            maximum,
            window,
            needs_allowance: false,
        };
        let says = match terms {
            Terms::ExactEip3009(terms) if terms.token_cannot() => TokenSays::CannotAuthorize,
            _ => TokenSays::Nothing,
        };
        let chain =
            ChainFacts { balance: Some(Amount::MAX), nonce_used: Some(false), token: says, ..ChainFacts::default() };
        let mut findings = policy::findings(&draft, &History::default(), &chain, now);
        findings.retain(tells_of_the_document);
        plans.push(Plan {
            app: AppId::owner(),
            site: site.clone(),
            provenance: Provenance::NotRecorded,
            request: Request { method: String::new(), url: url.to_owned(), path: String::new() },
            document: offer.hash(),
            option: option.index,
            scheme: terms.scheme(),
            network,
            payer: Address::ZERO,
            payee: terms.payee(),
            token,
            contract,
            price: terms.price(),
            fee,
            caller: terms.fee().and_then(|fee| fee.caller),
            maximum,
            window,
            allowance: None,
            balance: None,
            findings,
            site_words: None,
            app_words: None,
        });
    }
    plans
}

/// Why the wallet never pays these terms, by its own words; `None` where only chain, record and person decide.
pub fn refused(terms: &Terms) -> Option<Unpayable> {
    crate::planner::refused(terms, PAYER)
}

/// The seconds that the wallet gives a permission where the offer would take longer ones.
pub fn shortened(terms: &Terms) -> Option<u64> {
    let given = crate::choosing::lifetime(terms).filter(|_| terms.chosen_by_payer())?;
    terms.lifetime().is_some_and(|asked| asked > given).then_some(given)
}

/// Stands for whoever pays.
const PAYER: Address = Address::ZERO;

fn tells_of_the_document(finding: &Finding) -> bool {
    !matches!(finding.fact, Fact::AllKnown | Fact::PayeeFirstSeen | Fact::PayeeKnown { .. } | Fact::ChainUnknown)
}
