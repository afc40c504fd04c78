//! The demo shop: things to buy in every way that the paywall knows, one of them a trap. Honest about being a demo on its front page.

use crate::NETWORK;
use axum::{Router, http::header::CONTENT_TYPE, response::IntoResponse, routing::get};
use seller::{Listing, Paywall, Price, Seller};
use tron::{Address, Amount};

pub(crate) const CHEAP: &str = "/articles/how-tron-reaches-finality";
pub(crate) const WITH_FEE: &str = "/reports/stablecoin-flows";
pub(crate) const TRAP: &str = "/downloads/price-history.csv";

pub(crate) const PERMIT2: &str = "/articles/allowances";
pub(crate) const TOKEN: &str = "/articles/tokens-that-sign";
pub(crate) const CHOICE: &str = "/articles/what-a-wallet-signs";

const ARTICLE: &str = include_str!("goods/finality.md");
const REPORT: &str = include_str!("goods/flows.json");
const ALLOWANCES: &str = include_str!("goods/allowances.md");
const TOKENS: &str = include_str!("goods/tokens.md");
const SIGNING: &str = include_str!("goods/signing.md");
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
    let sold = |listing: Listing| Paywall::new(seller.clone(), listing);
    let in_usdt = |units: u64| Price::new(NETWORK, usdt, Amount::from_u64(units), pay_to()).by_exact_permit();
    // The domain is the token's own; symbol and decimals are for people.
    let in_ausd = |units: u64| {
        Price::new(NETWORK, devnet::AUTHORIZED_USD, Amount::from_u64(units), pay_to())
            .by_eip3009("Authorized Dollar", "1")
            .extra("symbol", "AUSD")
            .extra("decimals", 6)
    };
    let article = |title: &str| Listing::new(title).mime_type("text/markdown");
    let cheap = article("How TRON reaches finality: an article in five minutes").price(in_usdt(50_000));
    let with_fee = Listing::new("Stablecoin flows of the week, as data").mime_type("application/json");
    let permit2 = article("Allowances, and what they are good for").price(in_usdt(60_000).by_permit2());
    let token = article("Tokens that understand signatures").price(in_ausd(30_000));
    // The cheapest is not the one that needs no allowance.
    let choice = article("What a wallet signs: an article, paid in the way you like")
        .price(in_usdt(70_000))
        .price(in_usdt(65_000).by_permit2())
        .price(in_ausd(80_000));
    // The token is not USDT; its contract and this 402 only say so.
    let trap = Price::new(NETWORK, devnet::FAKE_USDT, Amount::from_u64(100_000), swindler())
        .by_exact_permit()
        .extra("name", "Tether USD")
        .extra("symbol", "USDT")
        .extra("decimals", 6);
    let trap = Listing::new("Hourly prices of the last ten years, 0.10 USDT").mime_type("text/csv").price(trap);
    let front = format!(
        "A demo shop. Its chain is a devnet, its money is worth nothing.\n\n\
         {url}{CHEAP}\n    an article, 0.05 USDT\n\
         {url}{WITH_FEE}\n    a report, 0.25 USDT and a fee of 0.01 USDT\n\
         {url}{PERMIT2}\n    an article, 0.06 USDT by Permit2\n\
         {url}{TOKEN}\n    an article, 0.03 AUSD, a token that can be paid by signature alone\n\
         {url}{CHOICE}\n    an article, in one of three ways: 0.07 USDT, 0.065 USDT by Permit2, 0.08 AUSD\n\
         {url}{TRAP}\n    a download that asks for a fake USDT: a wallet should not pay it\n"
    );
    let markdown = "text/markdown; charset=utf-8";
    Router::new()
        .route("/", get(|| async move { front }))
        .route(CHEAP, get(move || goods(markdown, ARTICLE)).route_layer(sold(cheap)))
        .route(WITH_FEE, get(|| goods("application/json", REPORT)).route_layer(sold(with_fee.price(in_usdt(250_000)))))
        .route(PERMIT2, get(move || goods(markdown, ALLOWANCES)).route_layer(sold(permit2)))
        .route(TOKEN, get(move || goods(markdown, TOKENS)).route_layer(sold(token)))
        .route(CHOICE, get(move || goods(markdown, SIGNING)).route_layer(sold(choice)))
        .route(TRAP, get(|| goods("text/csv; charset=utf-8", PRICES)).route_layer(sold(trap)))
}

async fn goods(content_type: &'static str, body: &'static str) -> impl IntoResponse {
    ([(CONTENT_TYPE, content_type)], body)
}
