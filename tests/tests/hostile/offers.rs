//! What a seller can try in a 402, as a table: `tests/data/offers.json` changes one honest 402 per way of paying in one
//! place and says what must come of it. A limit allows the app everything here and the seller is known, so whatever is
//! not caught is signed. Honest controls are signed without a question, or the run fails.
//!
//! What may come of a case: `signed`, over exactly the honest terms, whatever else the 402 says; `asked`, with the
//! finding that stops the limit; `refused`, written down with its code; `unread`, told with code and field, and no row.

use ledger::{Filter, Page, State};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use stories::{App, AppAnswer, Market, Way, key};
use tron::{Address, Amount, Network, registry};
use wallet::Report;
use x402::Signed;

/// Cases between two pauses: an app that is refused thirty times in half a minute, or takes ten questions back, has to wait.
const IN_A_ROW: u64 = 8;
const PRICE: u64 = 250_000;
/// The longest that a permission of ours may hold.
const LIFETIME: u64 = 3600;

/// The honest 402s by way, and both lists.
struct Table {
    honest: Value,
    controls: Vec<Value>,
    hostile: Vec<Value>,
}

impl Table {
    fn read() -> Self {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/data/offers.json");
        let mut table: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let mut list = |name: &str| table[name].take().as_array().unwrap().clone();
        let (controls, hostile) = (list("controls"), list("hostile"));
        Self { honest: table["honest"].take(), controls, hostile }
    }

    /// The 402 of a case in one way of paying, with its words still open.
    fn document(&self, case: &Value, way: &str) -> String {
        let mut document = self.honest[way].clone();
        set(&mut document, &case["set"]);
        for pointer in case["remove"].as_array().into_iter().flatten() {
            let (parent, name) = pointer.as_str().unwrap().rsplit_once('/').unwrap();
            document.pointer_mut(parent).unwrap().as_object_mut().unwrap().shift_remove(name).unwrap();
        }
        if let Some(add) = case.get("add") {
            let mut option = self.honest[way]["accepts"][0].clone();
            set(&mut option, &add["set"]);
            let at = usize::try_from(add["at"].as_u64().unwrap()).unwrap();
            for _ in 0..add["times"].as_u64().unwrap_or(1) {
                document["accepts"].as_array_mut().unwrap().insert(at, option.clone());
            }
        }
        let text = document.to_string();
        let Some(change) = case["text"].as_array() else { return text };
        let (from, to) = (change[0].as_str().unwrap(), change[1].as_str().unwrap());
        assert!(text.contains(from), "{case}");
        text.replacen(from, to, 1)
    }
}

fn set(document: &mut Value, members: &Value) {
    for (pointer, value) in members.as_object().unwrap_or(&Map::new()) {
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        match document.pointer_mut(parent).unwrap() {
            Value::Array(items) => items[name.parse::<usize>().unwrap()] = value.clone(),
            parent => parent[name] = value.clone(),
        }
    }
}

const NAMES: [(&str, Way); 4] =
    [("permit", Way::Permit), ("own", Way::Own), ("permit2", Way::Permit2), ("second", Way::Permit2Second)];

struct Run {
    market: Market,
    app: App,
    table: Table,
    /// Of cases so far: each has a resource and a nonce of its own.
    count: u64,
    /// A nonce that the payment contract knows as used, of a payment that is over.
    used_nonce: u64,
    /// That of the last payment, of which nobody knows what became.
    held_nonce: u64,
    /// Whether the wallet is told that it was settled.
    reporting: bool,
    /// What was signed for and settled, by token.
    paid: BTreeMap<Address, Amount>,
    signed: usize,
}

impl Run {
    async fn begin() -> Self {
        let market = Market::open().await;
        let app = market.trusted_app("reader").await;
        let (table, paid) = (Table::read(), BTreeMap::new());
        let mut run =
            Self { market, app, table, count: 100, used_nonce: 0, held_nonce: 0, reporting: true, paid, signed: 0 };
        run.signed = run.signatures().await;
        run
    }

    async fn signatures(&self) -> usize {
        let signed = Filter { states: vec![State::Signed], ..Filter::default() };
        self.market.stage.wallet.payments(signed, Page::first(1000)).await.unwrap().rows.len()
    }

    fn nonce(&self) -> u64 {
        1_000_000 + self.count
    }

    /// The words of the table, longer ones first.
    fn words(&self) -> Vec<(&'static str, String)> {
        let (payee, caller, stranger) = (key(0x5e).address(), self.market.stage.caller(), key(0x66).address());
        let hex = |address: Address| format!("0x{}", hex::encode(address.bytes()));
        let mut like = *payee.bytes();
        like[19] ^= 0x55;
        let mut typo = payee.to_string();
        let last = if typo.pop() == Some('a') { 'b' } else { 'a' };
        typo.push(last);
        let url = self.app.url(self.count);
        let path = format!("/goods/{}", self.count);
        let now = self.market.stage.devnet.clock().now_secs();
        let number = |at: u64| at.to_string();
        vec![
            ("$payeeHex41", format!("41{}", hex::encode(payee.bytes()))),
            ("$payeeHex", hex(payee)),
            ("$payee", payee.to_string()),
            ("$likePayee", Address::from_bytes(like).to_string()),
            ("$typo", typo),
            ("$strangerHex", hex(stranger)),
            ("$stranger", stranger.to_string()),
            ("$caller", caller.to_string()),
            ("$fakeHex", hex(devnet::FAKE_USDT)),
            ("$fake", devnet::FAKE_USDT.to_string()),
            ("$own", devnet::AUTHORIZED_USD.to_string()),
            ("$secondProxy", registry::deployments(Network::Nile).permit2[1].exact_proxy.to_string()),
            ("$nonceHex", format!("{:#x}", self.nonce())),
            ("$nonce", number(self.nonce())),
            ("$usedNonce", number(self.used_nonce)),
            ("$heldNonce", number(self.held_nonce)),
            ("$userinfo", url.replace("http://", "http://bank.example@")),
            ("$url", url),
            ("$path", path),
            ("$now-60 text", number(now - 60)),
            ("$now+600 text", number(now + 600)),
            // Numbers take the place of their quotes too.
            ("\"$now-60\"", number(now - 60)),
            ("\"$now-1\"", number(now - 1)),
            ("\"$now+580\"", number(now + 580)),
            ("\"$now+600\"", number(now + 600)),
            ("\"$now+700\"", number(now + 700)),
            ("\"$now+7200\"", number(now + 7_200)),
            ("\"$now+31536000\"", number(now + 31_536_000)),
            ("\"$now*1000\"", number(now * 1000)),
        ]
    }

    /// One case in one way; what is wrong with what came of it.
    async fn case(&mut self, case: &Value, name: &str, way: Way) -> Result<(), String> {
        self.count += 1;
        if self.count.is_multiple_of(IN_A_ROW) {
            self.market.stage.advance(31);
        }
        let mut document = self.table.document(case, name);
        for (word, value) in self.words() {
            document = document.replace(word, &value);
        }
        assert!(!document.contains("\"$"), "{document}");
        let said = self.app.ask(self.count, &document, None).await.unwrap();
        let then: Vec<&str> = case["then"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
        let came = self.came(&said, way, &document).await?;
        // The field is compared where the table names one.
        let fits = came.len() >= then.len() && came.iter().zip(&then).all(|(came, then)| came == then)
            || then[0] == "asked" && came[0] == "asked" && came.contains(&then[1].to_owned());
        if fits { Ok(()) } else { Err(format!("expected {then:?}, came {came:?}")) }
    }

    /// What came of it, after a look at what left and at what is written down.
    async fn came(&mut self, said: &AppAnswer, way: Way, document: &str) -> Result<Vec<String>, String> {
        if said.status == 200 {
            self.signed += 1;
            self.honest_terms(said, way, document).await?;
            return Ok(vec!["signed".to_owned()]);
        }
        assert_eq!(said.header(), None, "{}", said.body);
        assert_eq!(self.signatures().await, self.signed, "{}", said.body);
        if said.status == 202 {
            self.app.cancel(said.id()).await;
            let findings = said.body["plan"]["findings"].as_array().unwrap().iter();
            let findings = findings.map(|code| code.as_str().unwrap().to_owned());
            return Ok(std::iter::once("asked".to_owned()).chain(findings).collect());
        }
        if !(400..500).contains(&said.status) {
            return Err(format!("{} {}", said.status, said.body));
        }
        // Refused and written down, or not even that.
        let newest = self.market.stage.wallet.payments(Filter::default(), Page::first(1)).await.unwrap().rows.remove(0);
        let of_this = newest.payment.plan.request.url == self.app.url(self.count);
        if of_this {
            assert_eq!((newest.payment.state, newest.payment.signed_at), (State::Refused, None));
            return Ok(vec!["refused".to_owned(), newest.payment.code.unwrap_or_default()]);
        }
        let text = |name: &str| said.body[name].as_str().unwrap_or_default().to_owned();
        Ok(vec!["unread".to_owned(), text("code"), text("field")])
    }

    /// Whatever else the 402 said, the signature is over the honest terms alone, and settles.
    async fn honest_terms(&mut self, said: &AppAnswer, way: Way, document: &str) -> Result<(), String> {
        let payment = x402::Payment::read(said.header().unwrap()).unwrap();
        let signed = Signed::of(&payment, payment.accepted.as_ref().unwrap()).map_err(|e| format!("{e:?}"))?;
        let now = self.market.stage.wallet.now().secs();
        let offered: Value = serde_json::from_str(document).unwrap();
        let accepted: Value = serde_json::from_str(&payment.accepted.as_ref().unwrap().raw).unwrap();
        // Controls have other prices; what is hostile and signed never does.
        let amount = Amount::parse_smallest(accepted["amount"].as_str().unwrap()).unwrap();
        assert!(offered["accepts"].as_array().unwrap().contains(&accepted));
        let fee = if accepted["extra"]["fee"]["feeAmount"] == "0" { Amount::ZERO } else { way.fee() };
        let expected = (way.token(), key(0x5e).address(), self.market.stage.payer(), way.spender());
        let found = (signed.token, signed.payee, signed.payer, signed.spender);
        if found != expected {
            return Err(format!("signed {found:?} for {expected:?}"));
        }
        let most = signed.fee.map_or(amount, |fee| amount.saturating_add(fee.amount));
        if amount > Amount::from_u64(PRICE) || signed.amount != amount || most != amount.saturating_add(fee) {
            return Err(format!("signed over {most}"));
        }
        let (after, before) = signed.window;
        if after > now || before <= now || before > now + LIFETIME {
            return Err(format!("signed from {after} to {before}, now is {now}"));
        }
        let chosen = [0, 1, 7].map(x402::U256::from).contains(&signed.slot.nonce);
        if chosen {
            return Err(format!("signed with the server's nonce {}", signed.slot.nonce));
        }
        let tx = self.market.stage.settle(&payment).await;
        if self.reporting {
            let told =
                x402::Settlement::settled(Network::Nile.canonical(), &tx.to_string(), signed.payer).header_value();
            let report = Report { payment_response: Some(told), http_status: 200 };
            self.market.stage.wallet.report(&self.app.id, said.payment_id(), report).await.unwrap();
        }
        if way == Way::Permit {
            self.held_nonce = self.nonce();
        }
        let sum = self.paid.entry(signed.token).or_insert(Amount::ZERO);
        *sum = sum.saturating_add(most);
        Ok(())
    }

    /// All of a list; how many cases that were, and what was wrong.
    async fn all(&mut self, list: &[Value]) -> (usize, Vec<String>) {
        let (mut cases, mut wrong) = (0, vec![]);
        for case in list {
            for (name, way) in NAMES {
                let of_way = case["ways"].as_array().is_none_or(|ways| ways.iter().any(|way| way == name));
                if !of_way {
                    continue;
                }
                cases += 1;
                if let Err(error) = self.case(case, name, way).await {
                    wrong.push(format!("{} ({name}): {error}", case["name"].as_str().unwrap()));
                }
            }
        }
        (cases, wrong)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_a_seller_tries_in_a_402_nothing_leaves_that_nobody_agreed_to() {
    let mut run = Run::begin().await;
    let (stage, tokens) = (&run.market.stage, [Way::Permit, Way::Own].map(Way::token));
    let before = futures::future::join_all(tokens.map(|token| stage.balance_of(token, stage.payer()))).await;
    let (controls, hostile) = (run.table.controls.clone(), run.table.hostile.clone());
    let (passed, mut wrong) = run.all(&controls).await;
    let signed = run.signed;
    // All of these are final now. What follows is not even reported.
    (run.used_nonce, run.reporting) = (run.held_nonce, false);
    run.market.stage.devnet.mine(5);
    run.market.stage.wallet.reconcile().await.unwrap();
    let (cases, wrong_too) = run.all(&hostile).await;
    wrong.extend(wrong_too);
    println!("{cases} hostile cases, {} signed over the honest terms; {passed} controls", run.signed - signed);
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases + passed, wrong.join("\n"));
    assert!(passed >= 16 && cases >= 150, "{passed} {cases}");
    assert_eq!(run.signatures().await, run.signed);
    // What is gone is what was signed for, no more.
    let stage = &run.market.stage;
    for (token, before) in tokens.into_iter().zip(before) {
        let left = stage.balance_of(token, stage.payer()).await;
        assert_eq!(before.saturating_sub(left), run.paid[&token]);
    }
}
