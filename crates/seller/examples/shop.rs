//! A small shop on TRON Nile: `cargo run -p seller --example shop -- FACILITATOR_URL PAY_TO [LISTEN]`.

use axum::{
    Extension, Router,
    http::{StatusCode, request::Parts},
    response::IntoResponse,
    routing::get,
};
use seller::{Listing, Paid, Paywall, Price, Seller, Settle};
use tron::{Address, Amount, Network};

const USDT: &str = "TXYZopYRdj2D9XRtbG411XZZ3kM5VkAeBf";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().init();
    let mut arguments = std::env::args().skip(1);
    let facilitator = arguments.next().unwrap_or_else(|| "http://127.0.0.1:4021".to_owned());
    let pay_to = Address::parse(&arguments.next().ok_or("the address to be paid is missing")?)?;
    let listen = arguments.next().unwrap_or_else(|| "127.0.0.1:4022".to_owned());

    let seller = Seller::new(&facilitator)?.public_url(&format!("http://{listen}"))?;
    let price = Price::parse("0.05 USDT", Network::Nile, pay_to)?;

    // One price for everybody, paid in either of two ways.
    let poem = Listing::new("A poem").mime_type("text/plain").price(price.clone()).price(price.by_exact_permit());
    let poem = Paywall::new(seller.clone(), poem);
    // A price by the request: /dice?rolls=3
    let usdt = Address::parse(USDT)?;
    let price = move |units: u64| Price::new(Network::Nile, usdt, Amount::from_u64(units), pay_to);
    let dice = Paywall::computed(seller, move |parts: Parts| async move {
        match rolls(&parts) {
            Some(rolls) => Ok(Listing::new(format!("{rolls} rolls of a die")).price(price(10_000 * rolls))),
            None => Err((StatusCode::BAD_REQUEST, "rolls=1 to rolls=10\n").into_response()),
        }
    });
    // Nobody sees the dice before they are paid for.
    let dice = dice.settle(Settle::Before);
    let app = Router::new()
        .route("/poem", get(|| async { "A signature a day\nkeeps the invoices away.\n" }).route_layer(poem))
        .route("/dice", get(|Extension(paid): Extension<Paid>| async move { throw(&paid) }).route_layer(dice));

    let listener = tokio::net::TcpListener::bind(&listen).await?;
    tracing::info!("shop on http://{listen}");
    axum::serve(listener, app).await?;
    Ok(())
}

fn rolls(parts: &Parts) -> Option<u64> {
    let rolls = parts.uri.query()?.strip_prefix("rolls=")?.parse().ok()?;
    (1..=10).contains(&rolls).then_some(rolls)
}

fn throw(paid: &Paid) -> String {
    // Not a good die: it always shows what was paid.
    format!("{} paid {} and rolled a six\n", paid.payer, paid.price.amount.format_units(6))
}
