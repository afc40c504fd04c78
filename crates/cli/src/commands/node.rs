//! `node`: how each TRON node of the settings does. Asks a running Countersign, whose nodes they are; without one the
//! nodes of the profile's configuration. Needs no wallet.

use crate::args::Global;
use crate::commands::inspect::lookup;
use crate::exit::{Fail, Status};
use crate::reach::Reach;
use crate::show::{self, BAD, BOLD, DIM, GOOD, OFF, WARN, safe, say};
use helper::verb::CheckNodes;
use view::{NodeRowState, NodeRowView, NodeView};

const LABEL: usize = 16;

pub async fn node(global: &Global, network: Option<&str>) -> Result<(), Fail> {
    let typed = network.unwrap_or_default();
    let network = network.map(super::rules::network);
    let named = network.as_deref().map(tron::Network::parse).transpose();
    let named = named.map_err(|_| {
        Fail::of(Status::Usage, format!("NETWORK: expected mainnet, nile or shasta, found {}", safe(typed)))
    })?;
    let nodes = match Reach::running(global).await? {
        Some(client) => client.call(CheckNodes { network }).await?,
        None => view::nodes::check(&lookup(global)?, named, super::inspect::now()).await,
    };
    if nodes.is_empty() {
        let message = "this profile has no node of that network";
        return Err(Fail::of(Status::Usage, message).advice(
            "The practice chain stands for Nile alone: countersign node without a network shows what there is.",
        ));
    }
    match global.json {
        true => show::json(&nodes),
        false => nodes.iter().for_each(print),
    }
    let without = nodes.iter().map(|node| node.network.as_str());
    let mut without: Vec<_> = without.filter(|name| !nodes.iter().any(|n| n.usable && n.network == **name)).collect();
    without.dedup();
    match without[..] {
        [] => Ok(()),
        _ => Err(Fail::of(Status::Unavailable, format!("no node can be used for {}", without.join(", ")))
            .advice("What is wrong, and what helps, stands above.")),
    }
}

fn print(node: &NodeView) {
    let (colour, word) = if node.usable { (GOOD, "can be used") } else { (BAD, "can't be used") };
    say!("{BOLD}{} {}{OFF}  {colour}{word}{OFF}", safe(&node.network), safe(&node.node));
    for NodeRowView { label, says, state, advice, .. } in &node.rows {
        let says = match state {
            NodeRowState::Good => safe(says),
            NodeRowState::Note => format!("{WARN}{}{OFF}", safe(says)),
            NodeRowState::Bad => format!("{BAD}{}{OFF}", safe(says)),
        };
        say!("  {DIM}{:LABEL$}{OFF}{says}", safe(label));
        if let Some(advice) = advice {
            say!("  {:LABEL$}{DIM}{}{OFF}", "", safe(advice));
        }
    }
    say!("");
}
