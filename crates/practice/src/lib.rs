//! A whole practice world in one process: a devnet, a facilitator on it and a demo shop that sells in every way that
//! the paywall knows; and an honest local buyer that pays through the helper. Nothing here is worth anything, everything
//! listens on 127.0.0.1 alone, and no key outlives the process.

pub mod buyer;
mod port;
mod shop;

pub use shop::pay_to;

use chain::TronGrid;
use devnet::{Devnet, Gift};
use facilitator::{Facilitator, TokenTerms};
use port::Server;
use seller::Seller;
use std::time::Duration;
use tron::{Address, Amount, Network, PrivateKey, token};

/// The network that the devnet stands for.
pub const NETWORK: Network = Network::Nile;

/// How a practice world starts.
#[derive(Clone, Debug, Default)]
pub struct Options {
    pub devnet: devnet::Options,
    /// Ports on 127.0.0.1; 0 takes a free one.
    pub facilitator_port: u16,
    pub shop_port: u16,
}

/// Why a practice world did not start or did not give.
#[derive(Debug, thiserror::Error)]
pub enum WorldError {
    #[error(transparent)]
    Devnet(#[from] devnet::DevnetError),
    #[error("can't listen on 127.0.0.1:{port}: {source}")]
    Listen { port: u16, source: std::io::Error },
    #[error(transparent)]
    Chain(#[from] chain::ChainError),
    #[error(transparent)]
    Facilitator(#[from] facilitator::ConfigError),
    #[error(transparent)]
    NotReady(#[from] facilitator::NotReady),
    #[error(transparent)]
    Seller(#[from] seller::SellerError),
    #[error("the operating system gave no random numbers")]
    Random,
    #[error("the devnet has no {symbol}")]
    NoToken { symbol: &'static str },
}

/// A running practice world; stops when it is dropped.
#[derive(Debug)]
pub struct World {
    devnet: Devnet,
    facilitator: Facilitator,
    facilitator_server: Server,
    shop_server: Server,
    usdt: Address,
}

/// What the facilitator takes for a payment of more than [`FREE_UP_TO`], in the token's smallest unit.
const FEE: u64 = 10_000;
const FREE_UP_TO: u64 = 100_000;

impl World {
    /// Returns when devnet, facilitator and shop answer requests. Needs a tokio runtime.
    pub async fn start(options: Options) -> Result<Self, WorldError> {
        let usdt = usdt()?;
        let devnet = Devnet::start(options.devnet).await?;
        let solidity_url = Some(devnet.solidity_url());
        let node = chain::NodeConfig { solidity_url, ..chain::NodeConfig::new(devnet.url()) };
        let grid = TronGrid::new(chain::Config { nodes: vec![node], ..chain::Config::public(NETWORK) })?;

        let key = fresh_key()?;
        devnet.faucet(key.address(), Gift::Trx(1_000_000_000_000))?;
        let clock = devnet.clock().clone();
        let config = facilitator::Config {
            payees: facilitator::Payees::Anybody,
            payee_budget: facilitator::Budget::UNLIMITED,
            budget: facilitator::Budget::UNLIMITED,
            // The fake token too: swindlers have facilitators as well.
            tokens: [(usdt, FEE), (devnet::AUTHORIZED_USD, 0), (devnet::FAKE_USDT, 0)].map(terms).to_vec(),
            facilitator_id: Some("practice".to_owned()),
            poll: Duration::from_millis(50),
            clock: facilitator::Clock::new(move || clock.now_secs()),
            ..facilitator::Config::default()
        };
        let facilitator = Facilitator::new(config, key.into(), [grid])?;
        facilitator.ready().await?;
        let facilitator_server = Server::start(options.facilitator_port, |_| Ok(facilitator.router())).await?;

        let clock = devnet.clock().clone();
        let seller = Seller::new(&facilitator_server.url())?.clock(move || clock.now_secs());
        let shop = |url: &str| Ok(shop::router(&seller.public_url(url)?, url, usdt));
        let shop_server = Server::start(options.shop_port, shop).await?;
        Ok(Self { devnet, facilitator, facilitator_server, shop_server, usdt })
    }

    pub fn devnet(&self) -> &Devnet {
        &self.devnet
    }

    pub fn facilitator(&self) -> &Facilitator {
        &self.facilitator
    }

    /// The devnet's node API, no slash at the end.
    pub fn node_url(&self) -> String {
        self.devnet.url()
    }

    pub fn facilitator_url(&self) -> String {
        self.facilitator_server.url()
    }

    /// The demo shop's front page, a list of what it sells.
    pub fn shop_url(&self) -> String {
        self.shop_server.url()
    }

    /// 0.05 USDT, no fee.
    pub fn cheap_url(&self) -> String {
        format!("{}{}", self.shop_url(), shop::CHEAP)
    }

    /// 0.25 USDT and 0.01 USDT for the facilitator.
    pub fn fee_url(&self) -> String {
        format!("{}{}", self.shop_url(), shop::WITH_FEE)
    }

    /// 0.06 USDT by Permit2.
    pub fn permit2_url(&self) -> String {
        format!("{}{}", self.shop_url(), shop::PERMIT2)
    }

    /// 0.03 of the token that is paid by signature alone ([`devnet::AUTHORIZED_USD`]).
    pub fn token_url(&self) -> String {
        format!("{}{}", self.shop_url(), shop::TOKEN)
    }

    /// 0.07 USDT, or 0.065 USDT by Permit2, or 0.08 of the token that is paid by signature alone.
    pub fn choice_url(&self) -> String {
        format!("{}{}", self.shop_url(), shop::CHOICE)
    }

    /// Asks for a token that only looks like USDT.
    pub fn trap_url(&self) -> String {
        format!("{}{}", self.shop_url(), shop::TRAP)
    }

    /// The test USDT.
    pub fn usdt(&self) -> Address {
        self.usdt
    }

    /// Gives an account 1,000 TRX, 100 test USDT and 100 AUSD, and no allowance for anybody.
    pub fn fund(&self, address: Address) -> Result<(), WorldError> {
        self.devnet.faucet(address, Gift::Trx(1_000_000_000))?;
        for token in [self.usdt, devnet::AUTHORIZED_USD] {
            self.devnet.faucet(address, Gift::Token(token, Amount::from_u64(100_000_000)))?;
        }
        Ok(())
    }

    /// Stops everything and waits until the ports are free.
    pub async fn shutdown(self) {
        self.shop_server.stop().await;
        self.facilitator_server.stop().await;
        self.facilitator.finish().await;
        self.devnet.shutdown().await;
    }
}

fn usdt() -> Result<Address, WorldError> {
    let known =
        |t: &&token::Token| t.network == NETWORK && t.symbol == "USDT" && t.standing == token::Standing::Current;
    token::all().iter().find(known).map(|t| t.address).ok_or(WorldError::NoToken { symbol: "USDT" })
}

fn terms((token, fee): (Address, u64)) -> TokenTerms {
    let (fee, free_up_to) = (Amount::from_u64(fee), Amount::from_u64(FREE_UP_TO));
    TokenTerms { exact: true, ..TokenTerms::flat(NETWORK, token, fee, free_up_to) }
}

fn fresh_key() -> Result<PrivateKey, WorldError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|_| WorldError::Random)?;
    PrivateKey::from_bytes(&bytes).map_err(|_| WorldError::Random)
}
