//! Our side: a facilitator, a paywall in front of either facilitator, and a wallet behind its port with a person who
//! says yes to everything.

use crate::market::{FEE, Goods, PRICE, Scheme, Who, payee};
use anyhow::{Context, Result};
use axum::{Router, routing::get};
use chain::TronGrid;
use devnet::Devnet;
use facilitator::{Facilitator, FeeRule, TokenTerms};
use helper::{Owner, OwnerOptions};
use practice::{NETWORK, buyer::Buyer};
use seller::{Listing, NetworkForm, Paywall, Price, Seller};
use std::time::Duration;
use stories::{PASSPHRASE, USDT, WORDS, address, key};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tron::{Address, Amount};
use view::{AnswerView, Proof, ScopeView};

/// A router on a port that the system chose.
pub struct Served {
    pub url: String,
    task: JoinHandle<()>,
}

impl Served {
    pub async fn start(router: impl FnOnce(&str) -> Result<Router>) -> Result<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let router = router(&url)?;
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Ok(Self { url, task })
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub fn facilitator(devnet: &Devnet) -> Result<Facilitator> {
    let usdt = TokenTerms {
        network: NETWORK,
        token: address(USDT),
        fee: FeeRule::flat(Amount::from_u64(FEE), Amount::ZERO),
        exact: true,
        free_from: Amount::ZERO,
    };
    let config = facilitator::Config {
        payees: facilitator::Payees::Anybody,
        payee_budget: facilitator::Budget::UNLIMITED,
        budget: facilitator::Budget::UNLIMITED,
        tokens: vec![usdt, TokenTerms::free(NETWORK, devnet::AUTHORIZED_USD)],
        poll: Duration::from_millis(20),
        ..facilitator::Config::default()
    };
    let grid = TronGrid::new(chain::Config::one(NETWORK, devnet.url()))?;
    Ok(Facilitator::new(config, key(0xfa).into(), [grid])?)
}

/// Our paywall, with the goods of both facilitators.
pub async fn shop(ours: &str, theirs: &str) -> Result<Served> {
    Served::start(|url| {
        let mut router = Router::new();
        for goods in Goods::all(Who::Ours) {
            let seller = Seller::new(if goods.facilitator == Who::Ours { ours } else { theirs })?.public_url(url)?;
            let price = Price::new(NETWORK, goods.scheme.token(), Amount::from_u64(PRICE), payee(Who::Ours));
            // The packages know networks by their names only.
            let price = price.form(NetworkForm::Named);
            let price = match goods.scheme {
                Scheme::ExactPermit => price.by_exact_permit(),
                Scheme::Eip3009 => price.by_eip3009("Authorized Dollar", "1"),
                Scheme::Permit2 => price.by_permit2(),
            };
            let wall = Paywall::new(seller, Listing::new("goods").price(price));
            let name = goods.name();
            router = router.route(&format!("/goods/{name}"), get(|| async move { name }).layer(wall));
        }
        Ok(router)
    })
    .await
}

/// An unlocked wallet with a paired app.
pub struct OurWallet {
    owner: Owner,
    pub buyer: Buyer,
    pub address: Address,
    person: JoinHandle<()>,
    _dir: TempDir,
}

impl OurWallet {
    pub async fn open(devnet: &Devnet) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let owner = Owner::start(OwnerOptions {
            data_dir: Some(dir.path().to_owned()),
            profile: "devnet".to_owned(),
            port: Some(0),
            nile_node: Some(devnet.url().into()),
            cost: wallet::Cost::floor(),
            ..OwnerOptions::default()
        })
        .await?;
        let desk = owner.desk().clone();
        let status = desk.import_words(WORDS.to_owned(), PASSPHRASE.to_owned()).await.unwrap();
        let address = address(&status.accounts[0].address.address);
        desk.add_token(NETWORK.canonical(), &devnet::AUTHORIZED_USD.to_string()).await.unwrap();
        let pairing = desk.pair("buyer", None).await.unwrap();
        desk.answer_pairing(&pairing.id, true).await.unwrap();
        let token = desk
            .collect(&pairing.id, &pairing.secret.unwrap(), Duration::ZERO)
            .await
            .unwrap()
            .token
            .context("paired")?;
        let buyer = Buyer::new(format!("http://{}", owner.addr()), token);
        Ok(Self { owner, buyer, address, person: tokio::spawn(say_yes(desk)), _dir: dir })
    }

    pub async fn close(self) {
        self.person.abort();
        self.owner.shutdown().await;
    }
}

/// The person: reads every question for as long as the window makes them, and approves it with the allowance that
/// it needs.
async fn say_yes(desk: view::Desk) {
    let mut events = desk.subscribe();
    loop {
        for question in desk.questions().await.unwrap() {
            let (id, digest) = (&question.id, &question.digest);
            let wait = desk.shown(id, digest).await.unwrap();
            tokio::time::sleep(Duration::from_millis(wait.into())).await;
            let yes = AnswerView::Approve { scope: ScopeView::Once, allowance_total: None };
            desk.answer(id, digest, yes, Proof::Window).await.unwrap();
        }
        if events.recv().await.is_err() {
            return;
        }
    }
}
