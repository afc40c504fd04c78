//! A practice world with its shop and facilitator, an owner with a real port and control socket on it, and an app that
//! was paired there. Everything real, the clock too.

use helper::verb::{Answer, Questions};
use helper::{Client, Owner, OwnerOptions};
use practice::World;
use practice::buyer::{BuyError, Buyer, Delivered};
use serde_json::{Value, json};
use std::time::Duration;
use stories::{PASSPHRASE, WORDS, address, doors};
use tempfile::TempDir;
use tron::{Address, Amount, Network};
use view::{AnswerView, FilterView, PaymentDetailView, QuestionView, ScopeView};
use wallet::Event;

pub struct Counter {
    pub world: World,
    pub owner: Owner,
    pub control: Client,
    pub payer: Address,
    http: reqwest::Client,
    token: String,
    _dir: TempDir,
}

impl Counter {
    /// A funded, unlocked wallet without any allowance, and the token that is spent by signature not added yet.
    pub async fn open() -> Self {
        Self::with(|_| String::new()).await
    }

    /// With a configuration, which may name the shop.
    pub async fn with(config: impl FnOnce(&World) -> String) -> Self {
        let world = World::start(practice::Options {
            devnet: devnet::Options { doors: doors::of_devnet(), ..devnet::Options::default() },
            ..practice::Options::default()
        })
        .await
        .unwrap();
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("config.toml"), config(&world)).unwrap();
        let options = OwnerOptions {
            data_dir: Some(dir.path().to_owned()),
            profile: "devnet".into(),
            port: Some(0),
            nile_node: Some(doors::wallet_node(world.devnet())),
            cost: wallet::Cost::floor(),
            ..OwnerOptions::default()
        };
        let owner = Owner::start(options).await.unwrap();
        let desk = owner.desk();
        let status = desk.import_words(WORDS.into(), PASSPHRASE.into()).await.unwrap();
        let payer = address(&status.accounts[0].address.address);
        world.fund(payer).unwrap();
        desk.unlock(PASSPHRASE.into()).await.unwrap();
        let control = Client::new(owner.runtime().control_socket.clone().unwrap());
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut counter = Self { world, owner, control, payer, http, token: String::new(), _dir: dir };
        let asked = counter.post("/v1/pairings", &json!({ "name": "reader" })).await.1;
        let pairing = counter.owner.desk().pairings().await.unwrap().remove(0);
        counter.owner.desk().answer_pairing(&pairing.id, true).await.unwrap();
        let paired = counter
            .post(&format!("/v1/pairings/{}", asked["id"].as_str().unwrap()), &json!({ "secret": asked["secret"] }))
            .await
            .1;
        counter.token = paired["token"].as_str().unwrap().to_owned();
        counter
    }

    /// The person adds the token that is spent by signature.
    pub async fn add_token(&self) {
        let token = devnet::AUTHORIZED_USD.to_string();
        self.owner.desk().add_token(Network::Nile.canonical(), &token).await.unwrap();
    }

    pub async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let sent = self.http.post(format!("http://{}{path}", self.owner.addr())).bearer_auth(&self.token).json(body);
        let got = sent.send().await.unwrap();
        (got.status().as_u16(), got.json().await.unwrap())
    }

    /// The app takes its question back.
    pub async fn cancel(&self, id: &str) -> Value {
        let url = format!("http://{}/v1/payments/{id}", self.owner.addr());
        self.http.delete(url).bearer_auth(&self.token).send().await.unwrap().json().await.unwrap()
    }

    /// The 402 that the shop gives for this.
    pub async fn offer(&self, url: &str) -> String {
        let got = self.http.get(url).send().await.unwrap();
        assert_eq!(got.status().as_u16(), 402);
        got.headers()["payment-required"].to_str().unwrap().to_owned()
    }

    /// The body for `/v1/payments` and `/v1/check`.
    pub fn request(url: &str, offer: &str, prefer: Value) -> Value {
        json!({ "request": { "method": "GET", "url": url }, "paymentRequired": offer, "prefer": prefer })
    }

    /// An app buys this as any program would, while `person` answers the question that comes up.
    pub async fn buys(&self, url: &str, person: impl AsyncFnOnce(QuestionView)) -> Result<Delivered, BuyError> {
        let mut events = self.owner.desk().subscribe();
        let buyer = Buyer::new(format!("http://{}", self.owner.addr()), &self.token);
        let asked = async {
            while !matches!(events.recv().await.unwrap(), Event::Question { .. }) {}
            person(self.question().await).await;
        };
        tokio::join!(buyer.get(url, Duration::from_secs(60)), asked).0
    }

    /// The one that is open.
    pub async fn question(&self) -> QuestionView {
        let mut open = self.control.call(Questions {}).await.unwrap();
        assert_eq!(open.len(), 1);
        open.remove(0)
    }

    /// The person says yes with the passphrase, as in a terminal.
    pub async fn yes(&self, question: &QuestionView) {
        let answer = AnswerView::Approve { scope: ScopeView::Once, allowance_total: None };
        let (id, digest, passphrase) = (question.id.clone(), question.digest.clone(), PASSPHRASE.to_owned());
        self.control.call(Answer { id, digest, answer, passphrase }).await.unwrap();
    }

    pub async fn row(&self, id: &str) -> PaymentDetailView {
        self.owner.desk().payment(id).await.unwrap()
    }

    pub async fn rows(&self) -> usize {
        self.owner.desk().payments(FilterView::default()).await.unwrap().payments.len()
    }

    /// Blocks until everything so far is final, and a look at it.
    pub async fn settle_down(&self) {
        self.world.devnet().mine(20);
        self.owner.desk().wallet().reconcile().await.unwrap();
    }

    fn node(&self) -> chain::TronGrid {
        doors::client(self.world.devnet())
    }

    pub async fn balance(&self, token: Address, of: Address) -> Amount {
        self.node().balance(token, of).await.unwrap()
    }

    pub async fn allowance(&self, spender: Address) -> Amount {
        self.node().allowance(self.world.usdt(), self.payer, spender).await.unwrap()
    }

    /// Whether this transaction is in a block, and went well.
    pub async fn went_well(&self, transaction: &str) -> bool {
        let id = transaction.parse().unwrap();
        self.node().receipt(&id, chain::Finality::Seen).await.unwrap().unwrap().success
    }

    pub async fn close(self) {
        self.owner.shutdown().await;
        self.world.shutdown().await;
    }
}
