//! How each TRON node of the settings does, in rows that window and terminal show alike: doors, software, chain, blocks
//! and contracts, and for what is missing its remedy. A node's own words are quoted; nothing here asks one.

use crate::desk::{Answer, Desk};
use crate::question::quoted;
use crate::words::{Arg, duration, find, say};
use crate::{Failure, inspect::role_name};
use serde::{Deserialize, Serialize};
use specta::Type;
use tron::{Network, registry};
use wallet::{ChainError, Door, DoorCheck, DoorState, Lookup, Moment, NodeCheck};

/// The newest block is older than this where a node is behind: blocks come every three seconds.
const BEHIND_SECS: u64 = 60;
/// The final block usually is nineteen blocks behind the newest one.
const FAR_BEHIND: u64 = 100;

/// One node of one network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct NodeView {
    /// "TRON", "TRON Nile" or "TRON Shasta".
    pub network: String,
    /// Scheme, host and port of its first address.
    pub node: String,
    /// Payments can be made with it.
    pub usable: bool,
    pub rows: Vec<NodeRowView>,
}

/// One fact about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct NodeRowView {
    /// `wallet`, `walletsolidity`, `jsonrpc`, `software`, `chain`, `newest`, `final` or `contracts`.
    pub code: String,
    pub label: String,
    pub says: String,
    pub state: NodeRowState,
    /// What to do about it.
    pub advice: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub enum NodeRowState {
    Good,
    /// Missing, and not needed.
    Note,
    /// The node can't be used like this.
    Bad,
}
use NodeRowState::{Bad, Good, Note};

fn row(code: &str, says: String, state: NodeRowState, advice: Option<&str>, args: &[(&str, Arg<'_>)]) -> NodeRowView {
    NodeRowView {
        code: code.to_owned(),
        label: say(&format!("node-{code}"), &[]),
        says,
        state,
        advice: advice.and_then(|key| find(key, args)),
    }
}

fn failed(code: &str, error: &ChainError, advice: &str) -> NodeRowView {
    let advice = if error.is_busy() { "node-too-busy-advice" } else { advice };
    row(code, say("node-failed", &[("why", Arg::Text(&quoted(&error.to_string(), 300)))]), Bad, Some(advice), &[])
}

/// Every node of these networks, each looked at once.
pub async fn check(lookup: &Lookup, network: Option<Network>, now: Moment) -> Vec<NodeView> {
    let networks = lookup.networks().into_iter().filter(|one| network.is_none_or(|wanted| wanted == *one));
    let looks = networks.map(|network| async move {
        let current = registry::deployments(network).roles().filter(|(role, _)| role.is_current());
        let contracts: Vec<_> = current.map(|(_, at)| at).collect();
        let checks = lookup.check(network, &contracts).await;
        checks.iter().map(|check| view(network, check, contracts.len(), now)).collect::<Vec<_>>()
    });
    futures::future::join_all(looks).await.into_iter().flatten().collect()
}

fn view(network: Network, check: &NodeCheck, contracts: usize, now: Moment) -> NodeView {
    let reached = matches!(check.doors.first(), Some(door) if matches!(door.state, DoorState::Answers { .. }));
    // Where the first address does not answer, there is no more to say of what was only looked for at it.
    let told = check.doors.iter().filter(|door| reached || door.set);
    let mut rows: Vec<NodeRowView> = told.map(|door| door_row(check, door)).collect();
    if let Some(version) = &check.version {
        let version = quoted(version, 40);
        let says =
            if version.starts_with(|c: char| c.is_ascii_digit()) { format!("java-tron {version}") } else { version };
        rows.push(row("software", says, Good, None, &[]));
    }
    if reached {
        rows.push(chain_row(network, check));
        rows.extend(block_rows(check, now));
        rows.push(contracts_row(network, check, contracts));
    }
    let usable = reached && rows.iter().all(|row| row.state != Bad);
    NodeView { network: network.label().to_owned(), node: check.node.clone(), usable, rows }
}

/// How bad it is that a door does not answer. JSON-RPC is never needed: the genesis block tells the chain.
fn missing(door: &DoorCheck) -> NodeRowState {
    match door.door {
        Door::Wallet => Bad,
        Door::Solidity if door.set => Bad,
        Door::Solidity | Door::JsonRpc => Note,
    }
}

fn door_row(check: &NodeCheck, door: &DoorCheck) -> NodeRowView {
    let code = door.door.path();
    let at = [("at", Arg::Text(door.at.as_str()))];
    match &door.state {
        DoorState::Answers { after } => {
            let millis = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
            let args = [("at", Arg::Text(door.at.as_str())), ("millis", Arg::Count(millis))];
            row(code, say("node-answers", &args), Good, None, &[])
        }
        DoorState::Absent => {
            let advice = format!("node-{code}-{}-advice", if door.set { "set" } else { "absent" });
            let usual = match door.door {
                Door::Wallet => "8090",
                Door::Solidity => "8091",
                Door::JsonRpc => "8545",
            };
            let host = check.node.rsplit_once(':').filter(|(_, port)| port.parse::<u16>().is_ok());
            let there = format!("{}:{usual}", host.map_or(check.node.as_str(), |(host, _)| host));
            row(code, say("node-absent", &at), missing(door), Some(&advice), &[("there", Arg::Text(&there))])
        }
        DoorState::Failed(error) => {
            let failed = failed(code, error, &format!("node-{code}-failed-advice"));
            NodeRowView { state: missing(door), ..failed }
        }
    }
}

fn chain_row(network: Network, check: &NodeCheck) -> NodeRowView {
    let expected = network.chain_id();
    match check.chain_id(expected) {
        Ok(id) if id == expected => {
            let by_name = check.genesis.as_ref().is_ok_and(|genesis| *genesis != expected);
            let key = if by_name { "node-chain-given" } else { "node-chain-is" };
            let id = format!("{expected:#x}");
            let args = [("network", Arg::Text(network.label())), ("id", Arg::Text(id.as_str()))];
            row("chain", say(key, &args), Good, None, &[])
        }
        Ok(other) => {
            let named = Network::from_chain_id(other).map_or_else(String::new, |n| n.label().to_owned());
            let (other, expected) = (format!("{other:#x}"), format!("{expected:#x}"));
            let args = [
                ("other", Arg::Text(other.as_str())),
                ("named", Arg::Text(named.as_str())),
                ("network", Arg::Text(network.label())),
                ("expected", Arg::Text(expected.as_str())),
            ];
            let key = if named.is_empty() { "node-chain-other" } else { "node-chain-named" };
            row("chain", say(key, &args), Bad, Some("node-chain-advice"), &args)
        }
        Err(error) => failed("chain", &error, "node-chain-unknown-advice"),
    }
}

fn block_rows(check: &NodeCheck, now: Moment) -> [NodeRowView; 2] {
    let newest = match &check.newest {
        Err(error) => failed("newest", error, "node-newest-unknown-advice"),
        Ok(head) => {
            let now = u64::try_from(now.0).unwrap_or(0);
            let (age, ahead) =
                (now.saturating_sub(head.timestamp_ms) / 1000, head.timestamp_ms.saturating_sub(now) / 1000);
            let number = head.number.to_string();
            let length = duration(age.max(ahead));
            let args = [("number", Arg::Text(number.as_str())), ("age", Arg::Text(length.as_str()))];
            match (age > BEHIND_SECS, ahead > BEHIND_SECS) {
                (true, _) => row("newest", say("node-block-old", &args), Bad, Some("node-block-old-advice"), &args),
                (_, true) => row("newest", say("node-block-ahead", &args), Bad, Some("node-block-ahead-advice"), &args),
                _ => row("newest", say("node-block-new", &args), Good, None, &[]),
            }
        }
    };
    let solid = match (&check.solid, &check.newest) {
        (Err(error), _) => failed("final", error, "node-final-unknown-advice"),
        (Ok(solid), newest) => {
            let behind = newest.as_ref().map_or(0, |newest| newest.number.saturating_sub(solid.number));
            let number = solid.number.to_string();
            let args = [("number", Arg::Text(number.as_str())), ("behind", Arg::Count(behind))];
            let own = check.door(Door::Solidity).is_some_and(|door| matches!(door.state, DoorState::Absent));
            let says = say(if own { "node-final-own" } else { "node-final-is" }, &args);
            match behind > FAR_BEHIND {
                true => row("final", says, Note, Some("node-final-far-advice"), &args),
                false => row("final", says, Good, None, &[]),
            }
        }
    };
    [newest, solid]
}

fn contracts_row(network: Network, check: &NodeCheck, all: usize) -> NodeRowView {
    let missing = match &check.missing {
        Err(error) => return failed("contracts", error, "node-contracts-unknown-advice"),
        Ok(missing) => missing,
    };
    let names = missing.iter().map(|address| {
        let role = registry::role(network, *address).map_or_else(String::new, |role| role_name(role));
        format!("{role} {address}")
    });
    let (names, count) = (names.collect::<Vec<_>>().join(", "), u64::try_from(all).unwrap_or(u64::MAX));
    let args = [("count", Arg::Count(count)), ("names", Arg::Text(names.as_str()))];
    // What payments of this version go through.
    let deployed = registry::deployments(network);
    let sets = deployed.permit2.iter().flat_map(|set| [set.permit2, set.exact_proxy]);
    let needed: Vec<_> = std::iter::once(deployed.payment_permit).chain(sets).collect();
    let lacking = needed.iter().filter(|at| missing.contains(at)).count();
    let says = say(if missing.is_empty() { "node-contracts-there" } else { "node-contracts-missing" }, &args);
    match lacking {
        _ if missing.is_empty() => row("contracts", says, Good, None, &[]),
        0 => row("contracts", says, Note, Some("node-contracts-spare-advice"), &args),
        _ if lacking < needed.len() => row("contracts", says, Note, Some("node-contracts-advice"), &args),
        _ => row("contracts", says, Bad, Some("node-contracts-advice"), &args),
    }
}

impl Desk {
    /// How the nodes of this wallet do, of one network or of all.
    pub async fn check_nodes(&self, network: Option<&str>) -> Answer<Vec<NodeView>> {
        let network = network.map(Network::parse).transpose();
        let network = network.map_err(|e| Failure::field("network", "mainnet, nile or shasta", &e.found))?;
        Ok(check(&self.wallet().lookup(), network, self.wallet().now()).await)
    }
}
