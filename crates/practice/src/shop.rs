//! The demo shop: three things to buy, one of them a trap. Honest about being a demo on its front page.

use crate::NETWORK;
use axum::{Router, http::header::CONTENT_TYPE, response::IntoResponse, routing::get};
use seller::{Listing, Paywall, Price, Seller};
use tron::{Address, Amount};

pub(crate) const CHEAP: &str = "/articles/how-tron-reaches-finality";
pub(crate) const WITH_FEE: &str = "/reports/stablecoin-flows";
pub(crate) const TRAP: &str = "/downloads/price-history.csv";

const ARTICLE: &str = include_str!("goods/finality.md");
const REPORT: &str = include_str!("goods/flows.json");
const PRICES: &str = include_str!("goods/prices.csv");

/// Who is paid: an address without a key, the same in every practice world.
pub fn pay_to() -> Address {
    Address::from_bytes(*b"countersign-the-shop")
}

/// Who is paid by the trap.
fn swindler() -> Address {
    Address::from_bytes(*b"countersign-swindler")
}

pub(crate) fn router(seller: &Seller, url: &str, usdt: Address) -> Router {
    let sold = |listing: Listing, price: Price| Paywall::new(seller.clone(), listing.price(price));
    let cheap = sold(
        Listing::new("How TRON reaches finality: an article in five minutes").mime_type("text/markdown"),
        Price::new(NETWORK, usdt, Amount::from_u64(50_000), pay_to()),
    );
    let with_fee = sold(
        Listing::new("Stablecoin flows of the week, as data").mime_type("application/json"),
        Price::new(NETWORK, usdt, Amount::from_u64(250_000), pay_to()),
    );
    // The token is not USDT; its contract and this 402 only say so.
    let trap = sold(
        Listing::new("Hourly prices of the last ten years, 0.10 USDT").mime_type("text/csv"),
        Price::new(NETWORK, devnet::FAKE_USDT, Amount::from_u64(100_000), swindler())
            .extra("name", "Tether USD")
            .extra("symbol", "USDT")
            .extra("decimals", 6),
    );
    let front = format!(
        "A demo shop. Its chain is a devnet, its money is worth nothing.\n\n\
         {url}{CHEAP}\n    an article, 0.05 USDT\n\
         {url}{WITH_FEE}\n    a report, 0.25 USDT and a fee of 0.01 USDT\n\
         {url}{TRAP}\n    a download that asks for a fake USDT: a wallet should not pay it\n"
    );
    Router::new()
        .route("/", get(|| async move { front }))
        .route(CHEAP, get(|| goods("text/markdown; charset=utf-8", ARTICLE)).layer(cheap))
        .route(WITH_FEE, get(|| goods("application/json", REPORT)).layer(with_fee))
        .route(TRAP, get(|| goods("text/csv; charset=utf-8", PRICES)).layer(trap))
}

async fn goods(content_type: &'static str, body: &'static str) -> impl IntoResponse {
    ([(CONTENT_TYPE, content_type)], body)
}
