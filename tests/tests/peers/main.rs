//! Peers that we did not write: the published x402 SDKs for TRON buy, sell and settle with our wallet, paywall and
//! facilitator on the devnet, unmodified, as processes of their own; and the published types read what we write.
//! What was run is compared with docs/peers.md.
#![allow(clippy::unwrap_used, clippy::panic)]

mod documents;
mod process;
mod table;
mod world;

use documents::Reader;
use table::Row;
use world::{Market, Scheme, Who};

#[tokio::test(flavor = "multi_thread")]
async fn our_programs_and_the_published_packages_trade_and_read_as_the_tables_say() {
    let market = Market::open().await.unwrap();
    let mut rows = Vec::new();
    for scheme in Scheme::ALL {
        for buyer in [Who::Ours, Who::Py, Who::Js] {
            for seller in [Who::Ours, Who::Py] {
                for facilitator in [Who::Ours, Who::Py] {
                    if [buyer, seller, facilitator].contains(&Who::Ours) {
                        let result = market.trade(buyer, seller, facilitator, scheme).await;
                        rows.push(Row::new(buyer, seller, facilitator, scheme, result));
                    }
                }
            }
        }
    }
    let mut passed = Vec::new();
    let mut all = documents::emitted().unwrap();
    all.push(documents::supported(&market.world.facilitator_url()).await.unwrap());
    for document in all {
        let mut results = Vec::new();
        for reader in Reader::ALL {
            results.push(document.pass(reader, &market.py, &market.core).await);
        }
        passed.push((document, results));
    }
    market.close().await;
    table::compare(&rows, &passed);
}
