//! Seen is not final: the chain drops its last blocks, with and without a conflicting spend, ten times. Whatever is
//! taken back is told on every side, and what was to be delivered when final is never delivered unpaid.
#![allow(clippy::unwrap_used, clippy::panic)]

use axum::{Router, extract::Path, routing::get};
use devnet::{Fork, Gift};
use facilitator::{Facilitator, TokenTerms};
use ledger::{PaymentId, Settlement};
use seller::{Listing, Paywall, Price, Reversal, Seller, Settle, Turn};
use serde_json::{Value, json};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
use std::time::Duration;
use stories::{Stage, USDT, address, key, usdt};
use tokio::sync::mpsc;
use tron::{Amount, Network, SignedTransaction, abi, tx::Contract};
use wallet::{Outcome, PayRequest, Report, Scope};
use x402::Scheme;

const PRICE: u64 = 50_000;
const PATIENCE: Duration = Duration::from_secs(60);

/// A wallet, a shop that sells under `/seen` and `/final`, and what it is told.
struct World {
    stage: Stage,
    facilitator: Facilitator,
    till: String,
    shop: String,
    told: mpsc::UnboundedReceiver<Reversal>,
    /// How often something was made under `/final`.
    made: Arc<AtomicU64>,
    http: reqwest::Client,
}

async fn serve(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

fn payee() -> tron::Address {
    key(0x5e).address()
}

impl World {
    async fn start() -> Self {
        let stage = Stage::start().await;
        stage.wallet.set_auto_lock(0).await.unwrap();
        stage.prepare(Scheme::ExactPermit2).await;
        let clock = stage.devnet.clock().clone();
        let config = facilitator::Config {
            tokens: vec![TokenTerms::free(Network::Nile, address(USDT))],
            payees: facilitator::Payees::Anybody,
            payee_budget: facilitator::Budget::UNLIMITED,
            budget: facilitator::Budget::UNLIMITED,
            wait: Duration::from_millis(40),
            poll: Duration::from_millis(5),
            tend: Duration::from_millis(20),
            clock: facilitator::Clock::new(move || clock.now_secs()),
            ..facilitator::Config::default()
        };
        stage.devnet.faucet(stage.caller(), Gift::Trx(1_000_000_000_000)).unwrap();
        stage.devnet.faucet(stage.payer(), Gift::Trx(1_000_000_000_000)).unwrap();
        let facilitator = Facilitator::new(config, key(0xfa).into(), [stage.node()]).unwrap();
        facilitator.ready().await.unwrap();
        let till = serve(facilitator.router()).await;
        let (tell, told) = mpsc::unbounded_channel();
        let clock = stage.devnet.clock().clone();
        let seller = Seller::new(&till).unwrap().clock(move || clock.now_secs()).final_wait(Duration::ZERO);
        let seller = seller.watch_every(Duration::from_millis(20));
        let seller = seller.on_reversal(move |reversal| tell.send(reversal.clone()).unwrap());
        let price = Price::new(Network::Nile, address(USDT), Amount::from_u64(PRICE), payee());
        let sold = |price: &Price| Paywall::new(seller.clone(), Listing::new("goods").price(price.clone()));
        let made = Arc::new(AtomicU64::new(0));
        let counted = made.clone();
        let at_last = move |Path(item): Path<u64>| async move {
            counted.fetch_add(1, Ordering::SeqCst);
            format!("item {item}")
        };
        let at_once = |Path(item): Path<u64>| async move { format!("item {item}") };
        let app = Router::new()
            .route("/seen/{item}", get(at_once).route_layer(sold(&price)))
            .route("/final/{item}", get(at_last).route_layer(sold(&price.by_exact_permit()).settle(Settle::Final)));
        let shop = serve(app).await;
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { stage, facilitator, till, shop, told, made, http }
    }

    /// The person says yes to what this address costs.
    async fn sign(&self, path: &str) -> (PaymentId, x402::Payment) {
        let url = format!("{}{path}", self.shop);
        let asked = self.http.get(&url).send().await.unwrap();
        assert_eq!(asked.status(), 402, "{path}");
        let payment_required = asked.headers()["payment-required"].to_str().unwrap().to_owned();
        let request = PayRequest { method: "GET".to_owned(), url, payment_required, ..PayRequest::default() };
        let Outcome::Open(question) = self.stage.wallet.pay(&self.stage.app, &request).await.unwrap() else {
            panic!("a person is asked about {path}")
        };
        let signed = self.stage.approve(&question, Scope::Once).await.unwrap();
        (signed.id, self.stage.signed(signed.id).await)
    }

    /// Status, what the shop says of the settlement, and whether the goods came.
    async fn fetch(&self, path: &str, payment: &x402::Payment) -> (u16, x402::Settlement, String) {
        let asked = self.http.get(format!("{}{path}", self.shop));
        let got = asked.header(payment.header_name(), payment.header_value()).send().await.unwrap();
        let status = got.status().as_u16();
        let receipt = got.headers()["payment-response"].to_str().unwrap().to_owned();
        (status, x402::Settlement::read(&receipt).unwrap(), got.text().await.unwrap())
    }

    /// Until the shop's answer is this one.
    async fn until(
        &self,
        path: &str,
        payment: &x402::Payment,
        done: impl Fn(u16, &x402::Settlement) -> bool,
    ) -> String {
        let asking = async {
            loop {
                let (status, settlement, text) = self.fetch(path, payment).await;
                if done(status, &settlement) {
                    return text;
                }
                self.stage.devnet.mine(1);
            }
        };
        tokio::time::timeout(PATIENCE, asking).await.unwrap()
    }

    /// What the facilitator says of a transaction.
    async fn row(&self, transaction: &str) -> Value {
        let got = self.http.get(format!("{}/payments/tx/{transaction}", self.till)).send().await.unwrap();
        got.json::<Value>().await.unwrap()[0].take()
    }

    async fn earned(&self) -> u64 {
        self.stage.balance(payee()).await.to_string().parse().unwrap()
    }

    /// Everything that the payer has, to somebody else; good on every branch.
    async fn spend_all(&self) -> SignedTransaction {
        let (node, buyer) = (self.stage.node(), self.stage.buyer());
        // What it has where nothing was paid.
        let all = self.stage.balance(buyer.address()).await.saturating_add(Amount::from_u64(2 * PRICE));
        let data = abi::transfer(key(0x77).address(), all);
        let contract = address(USDT);
        let call = Contract::Trigger { owner: buyer.address(), contract, call_value_sun: 0, data };
        let head = node.head_at(chain::Finality::Final).await.unwrap();
        SignedTransaction::sign(head.transaction(call, 100_000_000, Duration::from_secs(60)), &buyer)
    }

    async fn metric(&self, outcome: &str) -> u64 {
        let text = self.http.get(format!("{}/metrics", self.till)).send().await.unwrap().text().await.unwrap();
        let start = format!("facilitator_reversals_total{{network=\"tron:3448148188\",outcome=\"{outcome}\"}} ");
        text.lines().find_map(|line| line.strip_prefix(&start)).map_or(0, |count| count.parse().unwrap())
    }

    async fn shown(&self, id: PaymentId) -> view::PaymentDetailView {
        let (payment, papers, allowances) = self.stage.wallet.payment(id).await.unwrap();
        view::PaymentDetailView::of(&payment, &papers, &allowances, None)
    }

    /// One purchase of each kind, a fork that drops both, and what becomes of them.
    async fn fork(&mut self, item: u64, conflict: bool, forget: bool) {
        let (seen, final_) = (format!("/seen/{item}"), format!("/final/{item}"));
        self.stage.devnet.mine(3);
        let (earned, made) = (self.earned().await, self.made.load(Ordering::SeqCst));
        let (seen_id, seen_payment) = self.sign(&seen).await;
        let (final_id, final_payment) = self.sign(&final_).await;
        let (status, receipt, goods) = self.fetch(&seen, &seen_payment).await;
        assert_eq!((status, goods), (200, format!("item {item}")));
        let transaction = receipt.transaction.clone().unwrap();
        let report = Report { payment_response: Some(receipt.header_value()), http_status: 200 };
        let row = self.stage.wallet.report(&self.stage.app, seen_id, report).await.unwrap();
        assert_eq!(row.settlement, Some(Settlement::Seen { tx: Some(transaction.clone()) }));
        let (status, pending, _) = self.fetch(&final_, &final_payment).await;
        assert_eq!((status, pending.is_pending()), (402, true));
        assert_eq!((self.earned().await, self.made.load(Ordering::SeqCst)), (earned + 2 * PRICE, made));

        let instead = if conflict { vec![self.spend_all().await] } else { vec![] };
        let forked = self.stage.devnet.fork(Fork { blocks: 2, instead, forget }).unwrap();
        assert_eq!(forked.dropped.len(), 2, "{item}");
        if conflict {
            self.stage.devnet.mine(1);
            self.reversed(item, &transaction, (seen_id, &seen_payment), (final_id, &final_payment)).await;
            assert_eq!((self.earned().await, self.made.load(Ordering::SeqCst)), (earned, made), "{item}");
        } else {
            // The money comes back by itself, or because the facilitator sends it again; and buys what it was for, once.
            let goods = self.until(&final_, &final_payment, |status, _| status == 200).await;
            assert_eq!((goods, self.made.load(Ordering::SeqCst)), (format!("item {item}"), made + 1));
            self.until(&seen, &seen_payment, |status, _| status == 200).await;
            let in_a_block = async {
                while self.row(&transaction).await["finality"] != "final" {
                    self.stage.devnet.mine(1);
                }
            };
            tokio::time::timeout(PATIENCE, in_a_block).await.unwrap();
            assert_eq!(self.earned().await, earned + 2 * PRICE, "{item}");
            self.stage.wallet.reconcile().await.unwrap();
            let row = self.stage.row(seen_id).await;
            assert!(matches!(&row.settlement, Some(Settlement::Final { tx: Some(tx), .. }) if *tx == transaction));
            let report = Report { payment_response: None, http_status: 200 };
            self.stage.wallet.report(&self.stage.app, final_id, report).await.unwrap();
            assert!(self.told.try_recv().is_err(), "nothing was lost, so nobody is alarmed: {item}");
        }
    }

    /// Every side says so, and then, when the permissions are over, that nothing was paid.
    async fn reversed(
        &mut self,
        item: u64,
        transaction: &str,
        (seen_id, seen_payment): (PaymentId, &x402::Payment),
        (final_id, final_payment): (PaymentId, &x402::Payment),
    ) {
        let told = tokio::time::timeout(PATIENCE, self.told.recv()).await.unwrap().unwrap();
        let Turn::Reversed { reason, may_still_settle_until } = &told.turn else { panic!("{told:?}") };
        let until = self.stage.row(seen_id).await.plan.window.valid_before;
        assert_eq!((reason.as_str(), *may_still_settle_until), ("insufficient_funds", Some(until)), "{item}");
        assert_eq!((told.transaction.as_deref(), told.payer), (Some(transaction), self.stage.payer()));
        let row = self.row(transaction).await;
        assert_eq!((&row["status"], &row["errorReason"]), (&json!("reversed"), &json!("insufficient_funds")));
        for (path, payment) in [(format!("/seen/{item}"), seen_payment), (format!("/final/{item}"), final_payment)] {
            self.until(&path, payment, |status, said| {
                assert_ne!(status, 200, "{path}");
                said.error_reason.as_deref() == Some("reversed")
            })
            .await;
        }
        self.stage.wallet.reconcile().await.unwrap();
        let shown = self.shown(seen_id).await;
        assert_eq!(shown.payment.settlement, view::SettlementView::Dropped, "{item}");
        let step = shown.steps.iter().find(|step| step.name == "dropped").unwrap();
        let words = step.note.clone().unwrap();
        assert_eq!(
            words,
            format!("was in a block that the chain has dropped; may still be settled until {}", shown.valid_before)
        );
        // It counts as spent until its time is over; then nothing left.
        self.stage.advance(700);
        self.stage.devnet.mine(3);
        self.stage.wallet.reconcile().await.unwrap();
        for id in [seen_id, final_id] {
            assert_eq!(self.stage.row(id).await.settlement, Some(Settlement::NeverUsed), "{item}");
        }
        let last = tokio::time::timeout(PATIENCE, self.told.recv()).await.unwrap().unwrap();
        let for_good = Turn::Reversed { reason: "insufficient_funds".to_owned(), may_still_settle_until: None };
        assert_eq!(last.turn, for_good, "{item}");
        self.stage.devnet.faucet(self.stage.payer(), Gift::Token(address(USDT), usdt("10"))).unwrap();
    }
}

#[tokio::test]
async fn ten_forks_take_nothing_back_untold_and_deliver_nothing_unpaid_where_final_was_asked() {
    let mut world = World::start().await;
    for item in 0..10 {
        world.fork(item, item % 2 == 0, item % 4 < 2).await;
    }
    // Five forks with a conflict, of two settlements each; of the others those that came back are counted as such.
    assert_eq!(world.metric("reversed").await, 10);
    assert_eq!(world.earned().await, 5 * 2 * PRICE);
    assert_eq!(world.made.load(Ordering::SeqCst), 5);
    world.facilitator.finish().await;
}

#[test]
fn all_of_this_over_three_doors() {
    stories::doors::again_over(stories::doors::Kind::Apart, "all_of_this_over");
}
