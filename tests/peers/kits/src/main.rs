//! A shop behind published seller kits, one route for each kit and each of its ways of settling. Takes its configuration
//! as the only argument, says where it is in one line of JSON, ends with its input.

use axum::{Router, routing::get};
use r402_core::wire;
use r402_http::server::{SettlementMode, X402Middleware as R402};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use x402_axum::X402Middleware as X402;
use x402_types::proto::v2;

const GOODS: &str = "the goods";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let configuration = std::env::args().nth(1).ok_or("the configuration is missing")?;
    let configuration: Value = serde_json::from_str(&configuration)?;
    let facilitator = configuration["facilitator"].as_str().ok_or("facilitator")?;
    let option = &configuration["option"];

    let x402 = X402::try_new(facilitator)?;
    let tag = || -> Result<_, serde_json::Error> {
        Ok(v2::PriceTag { requirements: serde_json::from_value(option.clone())?, enricher: None })
    };
    let r402 = R402::try_new(facilitator)?;
    let price: wire::PaymentRequirements = serde_json::from_value(option.clone())?;
    let mode = |mode| r402.with_price_tag(wire::PriceTag::new(price.clone())).with_settlement_mode(mode);
    let goods = || get(|| async { GOODS });
    let app = Router::new()
        .route("/x402-axum/after", goods().layer(x402.with_price_tag(tag()?)))
        .route("/x402-axum/before", goods().layer(x402.settle_before_execution().with_price_tag(tag()?)))
        .route("/r402-http/sequential", goods().layer(mode(SettlementMode::Sequential)))
        .route("/r402-http/concurrent", goods().layer(mode(SettlementMode::Concurrent)))
        .route("/r402-http/background", goods().layer(mode(SettlementMode::Background)));

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", json!({ "url": format!("http://{}", listener.local_addr()?) }));
    let ended = async {
        let _ = tokio::io::stdin().read_to_end(&mut Vec::new()).await;
    };
    tokio::select! {
        served = axum::serve(listener, app) => served?,
        () = ended => {}
    }
    Ok(())
}
