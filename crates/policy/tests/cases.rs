//! What servers try, as a table: each case changes one honest payment in one place and says what must be
//! found and that no rule, however generous, lets it through. Honest controls must pass without a question.

#![cfg(test)]

use plan::{
    AllowanceNeed, AppId, Earlier, Fact, Fee, Finding, History, Limit, Mode, Moment, Plan, Recent, Refusal, Request,
    Role, Rules, Site, Spending, TokenRef, Verdict, Weight, Why, Window,
};
use policy::{ChainFacts, Draft, TokenSays, findings, judge, looks_alike};
use tron::{Address, Amount, Network};

const NOW: Moment = Moment::from_secs(1_800_000_000);
const NOW_SECS: u64 = 1_800_000_000;
const PERMIT: &str = "TFxDcGvS7zfQrS1YzcCMp673ta2NHHzsiH";
const USDT: &str = "TXYZopYRdj2D9XRtbG411XZZ3kM5VkAeBf";
const USDT_SECOND: &str = "TXLAQ63Xg1NAzckPwKHvzw7CSEmLMEqcdj";
/// Shares its first four and last three characters with USDT.
const USDT_BOTH_ENDS: &str = "TXYZouq9PR2aZZvJ4YQrDLcoVasLSapEBf";
/// Shares all but its last characters with USDT.
const USDT_HEAD: &str = "TXYZopYRdj2D9XRtbG411XZZ3kM5RN6rHv";
const USDD_OLDER: &str = "TPYmHEhy5n8TCEfYGqW2rPxsghSfzghPDn";

fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

fn payee() -> Address {
    Address::from_bytes([7; 20])
}

fn stranger() -> Address {
    Address::from_bytes([9; 20])
}

/// An address whose first characters equal the payee's.
fn like_payee() -> Address {
    let mut bytes = *payee().bytes();
    bytes[19] = 0;
    Address::from_bytes(bytes)
}

/// Everything that a judgement is made from, owned, so that a case can change any of it.
struct World {
    site: Site,
    url: String,
    claimed: Option<String>,
    network: Network,
    token: TokenRef,
    token_added: bool,
    claimed_symbol: Option<String>,
    claimed_decimals: Option<u64>,
    contract: Address,
    contract_known: bool,
    caller_missing: bool,
    payee: Address,
    price: u64,
    fee: Option<Fee>,
    window: Window,
    needs_allowance: bool,
    history: History,
    chain: ChainFacts,
    rules: Rules,
    spending: Spending,
}

/// A known site, paid before, asks its usual price in a known token through a known contract.
fn honest() -> World {
    let url = "https://news.example/articles/8841";
    World {
        site: Site::of(url).unwrap(),
        url: url.into(),
        claimed: Some(url.into()),
        network: Network::Nile,
        token: TokenRef { address: address(USDT), symbol: "USDT".into(), decimals: 6, known: true },
        token_added: false,
        claimed_symbol: Some("USDT".into()),
        claimed_decimals: None,
        contract: address(PERMIT),
        contract_known: true,
        caller_missing: false,
        payee: payee(),
        price: 250_000,
        fee: None,
        window: Window { valid_after: NOW_SECS - 60, valid_before: NOW_SECS + 300 },
        needs_allowance: true,
        history: History {
            payee_times: 3,
            payee_since: Some(Moment::from_secs(1_790_000_000)),
            payees_of_site: vec![(payee(), 3)],
            usual_price: Some(Amount::from_u64(250_000)),
            ..History::default()
        },
        chain: ChainFacts {
            balance: Some(Amount::from_u64(90_000_000)),
            allowance: Some(Amount::from_u64(90_000_000)),
            nonce_used: Some(false),
            token: TokenSays::Nothing,
            clock_ahead_ms: None,
        },
        rules: Rules {
            app: Mode::Allow(Limit::default()),
            site: Mode::Allow(Limit::default()),
            site_blocked: false,
            host_blocked: false,
        },
        spending: Spending::NONE,
    }
}

impl World {
    fn maximum(&self) -> Amount {
        let fee = self.fee.as_ref().map_or(Amount::ZERO, |f| f.amount);
        Amount::from_u64(self.price).saturating_add(fee)
    }

    fn found(&self) -> Vec<Finding> {
        let draft = Draft {
            site: &self.site,
            request_url: &self.url,
            claimed_resource: self.claimed.as_deref(),
            network: self.network,
            token: &self.token,
            token_added: self.token_added,
            claimed_symbol: self.claimed_symbol.as_deref(),
            claimed_decimals: self.claimed_decimals,
            contract: self.contract,
            contract_known: self.contract_known,
            caller_missing: self.caller_missing,
            payer: Address::from_bytes([1; 20]),
            payee: self.payee,
            price: Amount::from_u64(self.price),
            fee: self.fee.as_ref(),
            maximum: self.maximum(),
            window: self.window,
            needs_allowance: self.needs_allowance,
        };
        findings(&draft, &self.history, &self.chain, NOW)
    }

    fn plan(&self) -> Plan {
        let missing = self.chain.allowance.filter(|have| self.needs_allowance && *have < self.maximum());
        Plan {
            app: AppId("shop".into()),
            site: self.site.clone(),
            request: Request { method: "GET".into(), url: self.url.clone(), path: "/".into() },
            document: [0; 32],
            option: 0,
            scheme: x402::Scheme::ExactPermit,
            network: self.network,
            payer: Address::from_bytes([1; 20]),
            payee: self.payee,
            token: self.token.clone(),
            contract: self.contract,
            price: Amount::from_u64(self.price),
            fee: self.fee.clone(),
            caller: None,
            maximum: self.maximum(),
            window: self.window,
            allowance: missing.map(|have| AllowanceNeed {
                spender: self.contract,
                have,
                need: self.maximum(),
                cost_sun: 1,
            }),
            balance: self.chain.balance,
            findings: self.found(),
            site_words: None,
            app_words: None,
        }
    }

    fn verdict(&self) -> Verdict {
        judge(&self.plan(), &self.rules, &self.spending, NOW)
    }
}

type Change = fn(&mut World);

fn fee(amount: u64) -> Option<Fee> {
    Some(Fee { to: Address::from_bytes([8; 20]), amount: Amount::from_u64(amount) })
}

/// Somebody beside the payee, met `times` times in this role anywhere, and who had the role here.
fn other(w: &mut World, role: Role, times: u64, of_site: Vec<(Address, u64)>) {
    w.history.others.push(Earlier { role, address: stranger(), times, of_site, similar: vec![] });
}

fn sites(urls: &[&str]) -> Vec<Site> {
    urls.iter().map(|url| Site::of(url).unwrap()).collect()
}

fn elsewhere(w: &mut World, url: &str) {
    w.claimed = Some(url.into());
}

fn unknown_token(w: &mut World, at: &str, symbol: &str) {
    w.token = TokenRef { address: address(at), symbol: symbol.into(), decimals: 6, known: false };
    w.claimed_symbol = Some(symbol.into());
}

/// Nothing may be signed, whoever says so.
const STOPPED: &[(&str, &str, Change)] = &[
    ("a clock so far behind that the permission is over on the chain", "clockOff", |w| {
        w.chain.clock_ahead_ms = Some(-300_000);
        w.window.valid_before = NOW_SECS + 300;
    }),
    ("a deadline in a year", "deadlineFar", |w| w.window.valid_before = NOW_SECS + 31_536_000),
    ("no deadline to speak of", "deadlineFar", |w| w.window.valid_before = u64::MAX),
    ("a token nobody knows", "tokenUnknown", |w| unknown_token(w, "TFFAMQLZybALaLb4uxHA9RBE7pxhUAjF3U", "ABC")),
    ("a token nobody knows that calls itself USDT", "tokenUnknown", |w| {
        unknown_token(w, "TSP9UW6FQhT76XD2jWA6ipGMx3yGbjDffP", "USDT")
    }),
    ("a token nobody knows without a name", "tokenUnknown", |w| {
        unknown_token(w, "TSP9UW6FQhT76XD2jWA6ipGMx3yGbjDffP", "")
    }),
    ("mainnet's USDT on Nile", "tokenUnknown", |w| unknown_token(w, "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", "USDT")),
    ("Nile's USDT on mainnet", "tokenUnknown", |w| w.network = Network::Mainnet),
    ("Nile's USDT on Shasta", "tokenUnknown", |w| w.network = Network::Shasta),
    ("the payment contract as token", "tokenUnknown", |w| unknown_token(w, PERMIT, "USDT")),
    ("the payee as token", "tokenUnknown", |w| {
        let at = w.payee.to_string();
        unknown_token(w, &at, "USDT");
    }),
    ("a token that shares both ends with USDT", "tokenLooksLike", |w| unknown_token(w, USDT_BOTH_ENDS, "USDT")),
    ("a token that shares its beginning with USDT", "tokenLooksLike", |w| unknown_token(w, USDT_HEAD, "USDT")),
    ("a look-alike token under another name", "tokenLooksLike", |w| unknown_token(w, USDT_HEAD, "XYZ")),
    ("a contract that is not in the registry", "contractUnknown", |w| w.contract_known = false),
    ("a contract that is the token", "contractUnknown", |w| {
        w.contract = w.token.address;
        w.contract_known = false;
    }),
    ("no caller", "callerMissing", |w| w.caller_missing = true),
    ("no transferWithAuthorization", "tokenCannotAuthorize", |w| w.chain.token = TokenSays::CannotAuthorize),
    ("another token's domain", "domainDiffers", |w| {
        let claimed = ("Tether USD".to_owned(), "1".to_owned());
        w.chain.token = TokenSays::OtherDomain { claimed, stated: (Some("Authorized Dollar".to_owned()), None) };
    }),
    ("a nonce that is used", "nonceUsed", |w| w.chain.nonce_used = Some(true)),
    ("a deadline a second ago", "deadlinePassed", |w| w.window.valid_before = NOW_SECS - 1),
    ("a deadline right now", "deadlinePassed", |w| w.window.valid_before = NOW_SECS),
    ("a deadline in 1970", "deadlinePassed", |w| w.window.valid_before = 0),
    ("a balance of nothing", "balanceShort", |w| w.chain.balance = Some(Amount::ZERO)),
    ("a balance one unit short", "balanceShort", |w| w.chain.balance = Some(Amount::from_u64(249_999))),
    ("a balance that lacks the fee", "balanceShort", |w| {
        w.fee = fee(1);
        w.chain.balance = Some(Amount::from_u64(250_000));
    }),
    ("a price beyond the balance", "balanceShort", |w| w.price = u64::MAX),
];

/// A person has to look, whatever the rules allow.
const ASKED: &[(&str, &str, Change)] = &[
    ("a payee never seen", "payeeFirstSeen", |w| {
        w.payee = stranger();
        w.history = History::default();
    }),
    ("the first payment ever", "payeeFirstSeen", |w| w.history = History::default()),
    ("a payee seen zero times", "payeeFirstSeen", |w| w.history.payee_times = 0),
    ("another payee than before, never seen", "payeeChanged", |w| {
        w.payee = stranger();
        w.history.payee_times = 0;
        w.history.payee_since = None;
    }),
    ("another payee than before, known elsewhere", "payeeChanged", |w| w.payee = stranger()),
    ("a payee that begins as a known one", "payeeLooksLike", |w| {
        w.payee = like_payee();
        w.history.payee_times = 0;
        w.history.payee_since = None;
    }),
    ("a payee that resembles another site's", "payeeLooksLike", |w| {
        w.payee = like_payee();
        w.history = History { similar_payees: vec![stranger(), payee()], ..History::default() };
    }),
    ("a payee known from another site, at a site without history", "payeeNewHere", |w| {
        w.history.payees_of_site = Vec::new();
    }),
    ("a fee to an address never met", "feeRecipientFirstSeen", |w| {
        w.fee = fee(25_000);
        other(w, Role::Fee, 0, vec![]);
    }),
    ("a fee to another address than before", "feeRecipientChanged", |w| {
        w.fee = fee(1);
        other(w, Role::Fee, 0, vec![(payee(), 3)]);
    }),
    ("a fee to another address than before, known elsewhere", "feeRecipientChanged", |w| {
        w.fee = fee(1);
        other(w, Role::Fee, 9, vec![(payee(), 3)]);
    }),
    ("a first fee here, to an address known elsewhere", "feeRecipientNewHere", |w| {
        w.fee = fee(1);
        other(w, Role::Fee, 9, vec![]);
    }),
    ("a fee to an address that looks like a known one", "feeRecipientLooksLike", |w| {
        w.fee = fee(1);
        other(w, Role::Fee, 0, vec![]);
        w.history.others[0].address = like_payee();
        w.history.others[0].similar = vec![payee()];
    }),
    ("a caller never met", "callerFirstSeen", |w| other(w, Role::Caller, 0, vec![])),
    ("another caller than before", "callerChanged", |w| other(w, Role::Caller, 0, vec![(payee(), 3)])),
    ("a caller that looks like the known one", "callerLooksLike", |w| {
        other(w, Role::Caller, 0, vec![(payee(), 3)]);
        w.history.others[0].address = like_payee();
    }),
    ("a new site one letter away from a known one", "siteResembles", |w| {
        w.history.other_sites = sites(&["https://weather.example", "https://newz.example"]);
    }),
    ("a new site in another script", "siteResembles", |w| w.history.other_sites = sites(&["https://nеws.example"])),
    ("a new site that begins like a known one", "siteResembles", |w| {
        w.history.other_sites = sites(&["https://news.example.shop"]);
    }),
    ("a known host without transport security", "siteOtherPort", |w| {
        w.history.other_sites = sites(&["http://news.example"])
    }),
    ("a known host at another port", "siteOtherPort", |w| {
        w.history.other_sites = sites(&["https://news.example:8443"])
    }),
    ("a fee of eleven percent", "feeShare", |w| w.fee = fee(27_500)),
    ("a fee one unit above ten percent", "feeShare", |w| w.fee = fee(25_001)),
    ("a fee of the price again", "feeShare", |w| w.fee = fee(250_000)),
    ("a fee a hundred times the price", "feeShare", |w| w.fee = fee(25_000_000)),
    ("a fee on nothing", "feeShare", |w| {
        w.price = 0;
        w.fee = fee(1);
    }),
    ("more than three times the usual price", "priceAboveUsual", |w| w.price = 750_001),
    ("a hundred times the usual price", "priceAboveUsual", |w| w.price = 25_000_000),
    ("any price where it was free", "priceAboveUsual", |w| w.history.usual_price = Some(Amount::ZERO)),
    ("a deadline in an hour and a second", "deadlineFar", |w| w.window.valid_before = NOW_SECS + 3601),
    ("a deadline in thirty days", "deadlineFar", |w| w.window.valid_before = NOW_SECS + 30 * 86_400),
    ("a permission for tomorrow", "notYetValid", |w| {
        w.window.valid_after = NOW_SECS + 86_400;
        w.window.valid_before = NOW_SECS + 86_700;
    }),
    ("a permission that begins in a minute and a second", "notYetValid", |w| w.window.valid_after = NOW_SECS + 61),
    ("a clock five minutes ahead of the chain", "clockOff", |w| w.chain.clock_ahead_ms = Some(300_000)),
    ("a clock five minutes behind, and a permission of ten", "clockOff", |w| {
        w.chain.clock_ahead_ms = Some(-300_000);
        w.window.valid_before = NOW_SECS + 600;
    }),
    ("a permission that begins in two minutes", "notYetValid", |w| w.window.valid_after = NOW_SECS + 120),
    ("eighteen decimals claimed of six", "decimalsClaimed", |w| w.claimed_decimals = Some(18)),
    ("no decimals claimed of six", "decimalsClaimed", |w| w.claimed_decimals = Some(0)),
    ("an absurd number of decimals", "decimalsClaimed", |w| w.claimed_decimals = Some(u64::MAX)),
    ("USDD's older deployment", "tokenOlder", |w| {
        w.network = Network::Mainnet;
        w.token = TokenRef { address: address(USDD_OLDER), symbol: "USDD".into(), decimals: 18, known: true };
    }),
    ("another host", "resourceElsewhere", |w| elsewhere(w, "https://shop.example/articles/8841")),
    ("a subdomain", "resourceElsewhere", |w| elsewhere(w, "https://api.news.example/articles/8841")),
    ("the parent domain", "resourceElsewhere", |w| elsewhere(w, "https://example/articles/8841")),
    ("the host as a subdomain of another", "resourceElsewhere", |w| {
        elsewhere(w, "https://news.example.evil.example/articles/8841")
    }),
    ("the host as user name", "resourceElsewhere", |w| elsewhere(w, "https://news.example@evil.example/articles/8841")),
    ("the host as user name and password", "resourceElsewhere", |w| {
        elsewhere(w, "https://news.example:443@evil.example/articles/8841")
    }),
    ("a user name before the host", "resourceElsewhere", |w| {
        elsewhere(w, "https://evil.example@news.example/articles/8841")
    }),
    ("no transport security on a port of its own", "resourceElsewhere", |w| {
        elsewhere(w, "http://news.example:8080/articles/8841");
    }),
    ("another port", "resourceElsewhere", |w| elsewhere(w, "https://news.example:8443/articles/8841")),
    ("port 80 under https", "resourceElsewhere", |w| elsewhere(w, "https://news.example:80/articles/8841")),
    ("backslashes", "resourceElsewhere", |w| elsewhere(w, "https:\\\\evil.example\\articles\\8841")),
    ("a host without scheme", "resourceElsewhere", |w| elsewhere(w, "//evil.example/articles/8841")),
    ("a look-alike host in another script", "resourceElsewhere", |w| {
        elsewhere(w, "https://nеws.example/articles/8841")
    }),
    ("full-width letters of another host", "resourceElsewhere", |w| {
        elsewhere(w, "https://ｅvil.example/articles/8841")
    }),
    ("a file", "resourceElsewhere", |w| elsewhere(w, "file:///etc/passwd")),
    ("a script", "resourceElsewhere", |w| elsewhere(w, "javascript:alert(1)")),
    ("inline data", "resourceElsewhere", |w| elsewhere(w, "data:text/html,hello")),
    ("an IP address", "resourceElsewhere", |w| elsewhere(w, "https://127.0.0.1/articles/8841")),
    ("something that is no URL", "resourceElsewhere", |w| elsewhere(w, "https://")),
    ("an unfinished IPv6 host", "resourceElsewhere", |w| elsewhere(w, "https://[::1/articles")),
    ("no answer about the balance", "chainUnknown", |w| w.chain.balance = None),
    ("no answer about the allowance", "chainUnknown", |w| w.chain.allowance = None),
    ("no answer about the nonce", "chainUnknown", |w| w.chain.nonce_used = None),
    ("no answer at all", "chainUnknown", |w| w.chain = ChainFacts::default()),
    ("no allowance", "allowanceMissing", |w| w.chain.allowance = Some(Amount::ZERO)),
    ("an allowance one unit short", "allowanceMissing", |w| w.chain.allowance = Some(Amount::from_u64(249_999))),
    ("an allowance that lacks the fee", "allowanceMissing", |w| {
        w.fee = fee(10);
        w.chain.allowance = Some(Amount::from_u64(250_000));
    }),
    ("the same again at once", "paidJustNow", |w| w.history.same_resource = Some(recent(0, false))),
    ("the same again after a minute", "paidJustNow", |w| w.history.same_resource = Some(recent(60_000, false))),
    ("the same again while the first may still be settled", "paidJustNow", |w| {
        w.history.same_resource = Some(unknown(540_000, false));
    }),
    ("the same again, which was paid and not delivered", "paidJustNow", |w| {
        w.history.same_resource = Some(Recent { refused: true, ..recent(540_000, false) });
    }),
    ("the same again, before it was paid", "paidJustNow", |w| w.history.same_resource = Some(recent(-5_000, false))),
];

/// Ordinary life: a generous rule answers without a question. What is listed is noted on the way.
const HONEST: &[(&str, &[&str], Change)] = &[
    ("the same as ever", &[], |_| ()),
    ("a fee of ten percent", &[], |w| w.fee = fee(25_000)),
    ("a fee of nothing", &[], |w| w.fee = fee(0)),
    ("three times the usual price", &[], |w| w.price = 750_000),
    ("a price of one unit", &[], |w| w.price = 1),
    ("no usual price yet", &[], |w| w.history.usual_price = None),
    ("a deadline in an hour", &[], |w| w.window.valid_before = NOW_SECS + 3600),
    ("a deadline in a second", &[], |w| w.window.valid_before = NOW_SECS + 1),
    ("a clock two minutes behind the chain", &[], |w| w.chain.clock_ahead_ms = Some(-120_000)),
    ("a clock half a minute ahead of the chain", &[], |w| w.chain.clock_ahead_ms = Some(30_000)),
    ("a price of nothing", &["nothingPaid"], |w| w.price = 0),
    ("a permission that begins in a minute", &["notYetValid"], |w| w.window.valid_after = NOW_SECS + 60),
    ("a permission since 1970", &[], |w| w.window.valid_after = 0),
    ("the right decimals claimed", &[], |w| w.claimed_decimals = Some(6)),
    ("no name claimed", &[], |w| w.claimed_symbol = None),
    ("another name claimed for a known token", &[], |w| w.claimed_symbol = Some("Tether".into())),
    ("no resource claimed", &[], |w| w.claimed = None),
    ("an empty resource", &[], |w| elsewhere(w, "")),
    ("the resource as a path", &[], |w| elsewhere(w, "/articles/8841")),
    ("the host in capitals", &[], |w| elsewhere(w, "https://NEWS.example/articles/8841")),
    ("the host with a trailing dot", &[], |w| elsewhere(w, "https://news.example./articles/8841")),
    ("the port in writing", &[], |w| elsewhere(w, "https://news.example:443/articles/8841")),
    ("http behind a proxy that ends TLS", &[], |w| elsewhere(w, "http://news.example/articles/8841")),
    ("another query", &[], |w| elsewhere(w, "https://news.example/articles/8841?utm=1")),
    ("another path", &["resourceElsewhere"], |w| elsewhere(w, "https://news.example/articles")),
    ("the whole balance", &[], |w| w.chain.balance = Some(Amount::from_u64(250_000))),
    ("the whole allowance", &[], |w| w.chain.allowance = Some(Amount::from_u64(250_000))),
    ("no allowance where none is needed", &[], |w| {
        w.needs_allowance = false;
        w.chain.allowance = None;
    }),
    ("the same again after it was delivered", &["paidJustNow"], |w| w.history.same_resource = Some(recent(1000, true))),
    ("the same again a minute and a bit later", &[], |w| w.history.same_resource = Some(recent(60_001, false))),
    ("the same again later, delivered and not yet seen on chain", &[], |w| {
        w.history.same_resource = Some(unknown(60_001, true));
    }),
    ("the site's second payee", &[], |w| w.history.payees_of_site = vec![(stranger(), 9), (payee(), 3)]),
    ("a fee to whom it always went", &[], |w| {
        w.fee = fee(25_000);
        other(w, Role::Fee, 3, vec![(stranger(), 3)]);
    }),
    ("the site's second caller", &[], |w| other(w, Role::Caller, 1, vec![(payee(), 9), (stranger(), 1)])),
    ("a caller known from other sites", &["callerNewHere"], |w| other(w, Role::Caller, 3, vec![])),
    ("another port of this machine", &["siteOtherPort", "resourceElsewhere"], |w| {
        w.site = Site::of("http://127.0.0.1:4021/").unwrap();
        w.url = "http://127.0.0.1:4021/".into();
        elsewhere(w, "http://127.0.0.1:4021/a");
        w.history.other_sites = sites(&["http://127.0.0.1:4022"]);
    }),
    ("a new site that resembles none", &[], |w| w.history.other_sites = sites(&["https://weather.example"])),
    ("a known payee that resembles another", &[], |w| w.history.similar_payees = vec![like_payee()]),
    ("the second test USDT", &[], |w| w.token.address = address(USDT_SECOND)),
    ("a token that the person added", &["tokenUnknown"], |w| {
        unknown_token(w, "TFFAMQLZybALaLb4uxHA9RBE7pxhUAjF3U", "ABC");
        w.token_added = true;
    }),
];

fn recent(ms_ago: i64, delivered: bool) -> Recent {
    Recent { at: Moment(NOW.0 - ms_ago), payment: "p".into(), delivered, refused: false, unknown: false }
}

fn unknown(ms_ago: i64, delivered: bool) -> Recent {
    Recent { unknown: true, ..recent(ms_ago, delivered) }
}

#[test]
fn nothing_that_is_stopped_is_signed_whatever_the_rules_allow() {
    for (name, code, change) in STOPPED {
        let mut world = honest();
        change(&mut world);
        let found = world.found();
        assert!(found.iter().any(|f| f.weight == Weight::Stop && f.fact.code() == *code), "{name}: {found:?}");
        assert_eq!(found[0].weight, Weight::Stop, "{name}: the heaviest comes first");
        assert!(matches!(world.verdict(), Verdict::Refuse(Refusal::Finding(_))), "{name}: {:?}", world.verdict());
    }
}

#[test]
fn what_is_odd_is_asked_however_generous_the_rules() {
    for (name, code, change) in ASKED {
        let mut world = honest();
        change(&mut world);
        let found = world.found();
        assert!(found.iter().any(|f| f.weight == Weight::Warn && f.fact.code() == *code), "{name}: {found:?}");
        assert!(found.iter().all(|f| f.weight < Weight::Stop), "{name}: {found:?}");
        let Verdict::Ask(whys) = world.verdict() else { panic!("{name}: {:?}", world.verdict()) };
        assert!(
            whys.iter().any(|why| match why {
                Why::Finding(index) => found[*index].fact.code() == *code,
                Why::AllowanceNeeded => *code == "allowanceMissing",
                _ => false,
            }),
            "{name}: {whys:?}"
        );
    }
}

#[test]
fn honest_payments_pass_without_a_question() {
    for (name, noted, change) in HONEST {
        let mut world = honest();
        change(&mut world);
        let found = world.found();
        assert_eq!(world.verdict(), Verdict::Allow, "{name}: {found:?}");
        let notes: Vec<_> = found.iter().filter(|f| f.weight == Weight::Note).map(|f| f.fact.code()).collect();
        for code in *noted {
            assert!(notes.contains(code), "{name}: {notes:?}");
        }
        assert_eq!(notes.len(), noted.len() + 1, "{name}: test money and what is listed, found {notes:?}");
    }
}

#[test]
fn every_case_is_asked_where_no_rule_allows_it() {
    let changes = HONEST.iter().map(|(n, _, c)| (n, c)).chain(ASKED.iter().map(|(n, _, c)| (n, c)));
    for (name, change) in changes {
        for rules in [
            Rules::default(),
            Rules { app: Mode::Allow(Limit::default()), ..Rules::default() },
            Rules { site: Mode::Allow(Limit::default()), ..Rules::default() },
        ] {
            let mut world = honest();
            change(&mut world);
            world.rules = rules;
            let Verdict::Ask(whys) = world.verdict() else { panic!("{name}") };
            assert!(whys.contains(&Why::NoRule), "{name}");
        }
    }
}

#[test]
fn a_block_outweighs_everything() {
    let app = Rules { app: Mode::Block, ..honest().rules };
    let site = Rules { site: Mode::Block, ..honest().rules };
    let everywhere = Rules { site_blocked: true, ..honest().rules };
    let host = Rules { host_blocked: true, ..honest().rules };
    for (rules, refusal) in [
        (app, Refusal::AppBlocked),
        (site, Refusal::SiteBlocked),
        (everywhere, Refusal::SiteBlocked),
        (host, Refusal::HostBlocked),
    ] {
        assert_eq!(World { rules, ..honest() }.verdict(), Verdict::Refuse(refusal));
    }
}

#[test]
fn a_limit_may_be_filled_exactly_and_not_by_one_unit_more() {
    let limited = |per_payment, per_day, per_month| {
        let amount = |n: Option<u64>| n.map(Amount::from_u64);
        Mode::Allow(Limit { per_payment: amount(per_payment), per_day: amount(per_day), per_month: amount(per_month) })
    };
    let spent = |day, month| Spending {
        app_day: Amount::from_u64(day),
        app_month: Amount::from_u64(month),
        site_day: Amount::from_u64(day),
        site_month: Amount::from_u64(month),
    };
    let free = || limited(None, None, None);
    // What is asked is always 250,000.
    let cases: &[(&str, Mode, Spending, bool)] = &[
        ("a payment's limit", limited(Some(250_000), None, None), spent(0, 0), true),
        ("a payment's limit less one", limited(Some(249_999), None, None), spent(0, 0), false),
        ("a limit of nothing", limited(Some(0), None, None), spent(0, 0), false),
        ("the day's last", limited(None, Some(1_000_000), None), spent(750_000, 900_000), true),
        ("the day's last and one", limited(None, Some(1_000_000), None), spent(750_001, 750_001), false),
        ("a day that is over already", limited(None, Some(1_000_000), None), spent(2_000_000, 2_000_000), false),
        ("the month's last", limited(None, None, Some(1_000_000)), spent(0, 750_000), true),
        ("the month's last and one", limited(None, None, Some(1_000_000)), spent(0, 750_001), false),
        ("all three at once", limited(Some(250_000), Some(250_000), Some(250_000)), spent(0, 0), true),
        ("the day holds, the month does not", limited(None, Some(9_000_000), Some(1)), spent(0, 0), false),
    ];
    for (name, mode, spending, fits) in cases {
        for (app, site) in [(mode.clone(), free()), (free(), mode.clone()), (mode.clone(), mode.clone())] {
            let rules = Rules { app, site, site_blocked: false, host_blocked: false };
            let verdict = World { rules, spending: *spending, ..honest() }.verdict();
            assert_eq!(verdict == Verdict::Allow, *fits, "{name}: {verdict:?}");
        }
    }
}

#[test]
fn a_sum_past_256_bit_is_over_the_limit() {
    let mut world = honest();
    world.rules.app = Mode::Allow(Limit { per_day: Some(Amount::MAX), ..Limit::default() });
    world.spending.app_day = Amount::MAX;
    let asked = world.maximum();
    assert_eq!(world.verdict(), Verdict::Ask(vec![Why::OverDay { limit: Amount::MAX, spent: Amount::MAX, asked }]));
}

#[test]
fn the_fee_counts_against_the_limit() {
    let mut world = honest();
    world.fee = fee(10_000);
    world.rules.site = Mode::Allow(Limit { per_payment: Some(Amount::from_u64(250_000)), ..Limit::default() });
    assert!(matches!(world.verdict(), Verdict::Ask(_)));
}

#[test]
fn a_plan_that_ran_out_between_finding_and_judging_is_refused() {
    let plan = honest().plan();
    let later = Moment::from_secs(1_800_000_300);
    assert_eq!(judge(&plan, &honest().rules, &Spending::NONE, later), Verdict::Refuse(Refusal::Expired));
    assert_eq!(judge(&plan, &honest().rules, &Spending::NONE, later.plus_ms(-1)), Verdict::Allow);
}

#[test]
fn an_unknown_token_names_the_real_one() {
    for symbol in ["USDT", "usdt", "USD₮", "U S D T", "UЅDТ", "\u{200b}USDT", "USDT "] {
        let mut world = honest();
        unknown_token(&mut world, "TFFAMQLZybALaLb4uxHA9RBE7pxhUAjF3U", symbol);
        let found = world.found();
        let real = found.iter().find_map(|f| match &f.fact {
            Fact::TokenUnknown { real, .. } => *real,
            _ => None,
        });
        assert_eq!(real, Some(address(USDT)), "{symbol:?}");
    }
}

#[test]
fn figures_are_those_that_a_person_can_check() {
    let mut world = honest();
    world.fee = fee(27_501);
    let share = Fact::FeeShare { fee: Amount::from_u64(27_501), price: Amount::from_u64(250_000), percent: 12 };
    assert!(world.found().iter().any(|f| f.fact == share), "11.0004 percent is rounded up");
    let known = Fact::PayeeKnown { times: 3, since: Moment::from_secs(1_790_000_000) };
    assert_eq!(
        honest().found(),
        [(Weight::Note, Fact::TestMoney), (Weight::Good, known), (Weight::Good, Fact::AllKnown)]
            .map(|(weight, fact)| Finding { weight, fact })
    );
}

#[test]
fn real_money_is_not_called_test_money() {
    let mut world = honest();
    world.network = Network::Mainnet;
    world.token.address = address("TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t");
    assert!(world.found().iter().all(|f| f.weight == Weight::Good), "{:?}", world.found());
}

#[test]
fn addresses_look_alike_by_their_ends_and_not_by_chance() {
    let usdt = address(USDT);
    assert!(looks_alike(&usdt, &address(USDT_BOTH_ENDS)));
    assert!(looks_alike(&usdt, &address(USDT_HEAD)));
    assert!(!looks_alike(&usdt, &usdt), "an address is not its own impostor");
    let mut honest: Vec<Address> = tron::token::all().iter().map(|t| t.address).collect();
    honest.extend((0..=255u8).map(|n| Address::from_bytes([n; 20])));
    for (index, one) in honest.iter().enumerate() {
        for other in &honest[index + 1..] {
            assert!(!looks_alike(one, other), "{one} and {other}");
        }
    }
}
