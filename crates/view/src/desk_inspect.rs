//! The desk's inspector: the same reading as everywhere, with this wallet's clock and nodes.

use crate::{Desk, Failure, InspectView, inspect};
use tron::Network;

impl Desk {
    /// Explains any text; needs neither vault nor node.
    pub fn inspect(&self, text: &str) -> InspectView {
        inspect::inspect_at(text, self.wallet().now())
    }

    /// As [`Desk::inspect`], with what this wallet's nodes know. `network` says where a bare transaction id belongs.
    pub async fn look_up(&self, text: &str, network: Option<&str>) -> Result<InspectView, Failure> {
        let named = network.map(Network::parse).transpose();
        let named = named.map_err(|e| Failure::field("network", "a TRON network", &e.found))?;
        Ok(inspect::look_up(text, self.wallet().now(), &self.wallet().lookup(), named).await)
    }
}
