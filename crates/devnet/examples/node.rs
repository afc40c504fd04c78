//! A devnet alone, for programs that want a TRON node to talk to: prints where it listens, ends with an interrupt.
//!
//! ```sh
//! cargo run -p devnet --example node -- [PORT] [blocks=SECONDS] [lag=BLOCKS] [solidity=PORT [jsonrpc=PORT]] [busy=N]
//! ```
//!
//! `solidity=` sets the doors apart, as a node of one's own has them; JSON-RPC is off then unless it has a port. `busy=3`
//! has no time for one in three trial runs and broadcasts. Money comes from `POST /devnet/faucet`
//! (`{"address": "T…", "trx_sun": 1000000}`).

#![allow(clippy::print_stdout, reason = "a program says where it listens")]

use devnet::{Busy, Devnet, Doors, Options, Share};
use std::error::Error;
use std::time::Duration;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut options = Options::default();
    let (mut solidity, mut jsonrpc, mut busy) = (None, None, Busy::default());
    for argument in std::env::args().skip(1) {
        match argument.split_once('=').unwrap_or(("port", &argument)) {
            ("port", port) => options.port = port.parse()?,
            ("blocks", seconds) => options.block_time = Some(Duration::from_secs_f64(seconds.parse()?)),
            ("lag", blocks) => options.solidity_lag = blocks.parse()?,
            ("solidity", port) => solidity = Some(port.parse()?),
            ("jsonrpc", port) => jsonrpc = Some(port.parse()?),
            ("busy", of) => {
                let share = Share::one_in(of.parse()?);
                busy = Busy { trial_runs: share, broadcasts: share };
            }
            (name, _) => return Err(format!("{name}= is not known; the first lines of node.rs tell what is").into()),
        }
    }
    if let Some(solidity_port) = solidity {
        options.doors = Doors::Apart { solidity_port, jsonrpc_port: jsonrpc };
    }
    let devnet = Devnet::start(options).await?;
    devnet.be_busy(busy);
    println!("wallet: {}", devnet.url());
    println!("walletsolidity: {}", devnet.solidity_url());
    println!("jsonrpc: {}", devnet.jsonrpc_url().unwrap_or_else(|| "off".into()));
    tokio::signal::ctrl_c().await?;
    devnet.shutdown().await;
    Ok(())
}
