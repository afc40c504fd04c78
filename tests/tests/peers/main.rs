//! Peers that we did not write: the published x402 SDKs for TRON buy, sell and settle with our wallet, paywall and
//! facilitator on the devnet, unmodified, as processes of their own; and the published types read what we write.
//! What was run is compared with docs/peers.md.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)] // the table is to be read

mod documents;
mod kits;
mod market;
mod ours;
mod process;
mod refusals;
mod table;

use documents::Reader;
use market::{Goods, Market, Scheme, Who};
use table::Row;

#[tokio::test(flavor = "multi_thread")]
async fn our_programs_and_the_published_packages_trade_and_read_as_the_tables_say() {
    let market = Market::open().await.unwrap();
    let mut rows = Vec::new();
    for buyer in [Who::Ours, Who::Py, Who::Js] {
        for seller in [Who::Ours, Who::Py, Who::Core] {
            for goods in Goods::all(seller) {
                let all_theirs = ![buyer, seller, goods.facilitator].contains(&Who::Ours);
                if !all_theirs && (buyer == Who::Ours || goods.scheme != Scheme::Permit2) {
                    let result = market.trade(buyer, seller, goods).await;
                    rows.push(Row::new(buyer, seller, goods, result));
                }
            }
        }
    }
    for (who, process) in [(Who::Py, &market.py), (Who::Js, &market.js)] {
        for scheme in [Scheme::ExactPermit, Scheme::Eip3009] {
            let checked = refusals::check(&market, who, process, scheme).await;
            checked.unwrap_or_else(|error| panic!("{who:?}, {}: {error:#}", scheme.title()));
        }
    }
    let mut passed = Vec::new();
    let mut all = documents::emitted().unwrap();
    all.push(documents::supported(market.facilitator_url()).await.unwrap());
    for document in all {
        let mut results = Vec::new();
        for reader in Reader::ALL {
            results.push(document.pass(reader, &market.py, &market.core).await);
        }
        passed.push((document, results));
    }
    if rows.iter().any(Row::failed) {
        println!("What the packages said last:\n{}\n{}", market.py.said(), market.core.said());
    }
    market.close().await;
    table::compare(&rows, &passed);
}
