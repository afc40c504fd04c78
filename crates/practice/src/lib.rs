//! A whole practice world in one process: a devnet, a facilitator on it and a demo shop with three priced
//! resources; and an honest local buyer that pays through the helper. Nothing here is worth anything, everything
//! listens on 127.0.0.1 alone, and no key outlives the process.

pub mod buyer;

use std::net::SocketAddr;
use tron::Address;

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
    #[error("the operating system gave no random numbers")]
    Random,
}

/// A running practice world; stops when it is dropped.
#[derive(Debug)]
pub struct World {
    devnet: devnet::Devnet,
    facilitator: SocketAddr,
    shop: SocketAddr,
}

impl World {
    /// Returns when devnet, facilitator and shop answer requests. Needs a tokio runtime.
    pub async fn start(options: Options) -> Result<Self, WorldError> {
        let devnet = devnet::Devnet::start(options.devnet).await?;
        let facilitator = SocketAddr::from(([127, 0, 0, 1], options.facilitator_port));
        let shop = SocketAddr::from(([127, 0, 0, 1], options.shop_port));
        Ok(Self { devnet, facilitator, shop })
    }

    pub fn devnet(&self) -> &devnet::Devnet {
        &self.devnet
    }

    /// The devnet's node API, no slash at the end.
    pub fn node_url(&self) -> String {
        self.devnet.url()
    }

    pub fn facilitator_url(&self) -> String {
        format!("http://{}", self.facilitator)
    }

    /// The demo shop's front page, a list of what it sells.
    pub fn shop_url(&self) -> String {
        format!("http://{}", self.shop)
    }

    /// 0.05 USDT, no fee.
    pub fn cheap_url(&self) -> String {
        format!("{}/articles/how-tron-reaches-finality", self.shop_url())
    }

    /// 0.25 USDT and 0.01 USDT for the facilitator.
    pub fn fee_url(&self) -> String {
        format!("{}/reports/stablecoin-flows", self.shop_url())
    }

    /// Asks for a token that only looks like USDT.
    pub fn trap_url(&self) -> String {
        format!("{}/downloads/price-history.csv", self.shop_url())
    }

    /// Gives an account 1,000 TRX and 100 test USDT, and no allowance for anybody.
    pub fn fund(&self, _address: Address) -> Result<(), WorldError> {
        Ok(())
    }

    /// Stops everything and waits until the ports are free.
    pub async fn shutdown(self) {
        self.devnet.shutdown().await;
    }
}
