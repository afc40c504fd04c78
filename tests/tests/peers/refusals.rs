//! What the packages sign is taken as it is and refused as soon as anything in it is changed: by our facilitator, and
//! what our readers make of it by theirs.

use crate::market::{Goods, Market, PRICE, Scheme, Who};
use crate::process::Process;
use anyhow::{Context, Result, ensure};
use seller::Seller;
use serde_json::{Value, json};
use x402::{Payment, Requirements};

/// Where a payment of this scheme, from this package, says how much and who is paid.
fn members(who: Who, scheme: Scheme) -> [(&'static str, Value); 3] {
    let signature = ("/payload/signature", json!(format!("{}1b", "11".repeat(64))));
    let (more, other) = (json!((PRICE + 1).to_string()), json!("0x1111111111111111111111111111111111111111"));
    match (scheme, who) {
        (Scheme::ExactPermit, _) => {
            [signature, ("/payload/paymentPermit/payment/payAmount", more), ("/payload/paymentPermit/buyer", other)]
        }
        (_, Who::Js) => [
            signature,
            ("/extensions/transferAuthorization/value", more),
            ("/extensions/transferAuthorization/from", other),
        ],
        _ => [signature, ("/payload/authorization/value", more), ("/payload/authorization/from", other)],
    }
}

/// Signs for our shop's goods without sending it, and asks both facilitators' verdict on it and on what it is not.
pub async fn check(market: &Market, who: Who, process: &Process, scheme: Scheme) -> Result<()> {
    for facilitator in [Who::Ours, Who::Py] {
        let goods = Goods { facilitator, scheme };
        let url = market.url(Who::Ours, goods);
        let offered = reqwest::Client::builder().no_proxy().build()?.get(&url).send().await?.text().await?;
        let required: Value = serde_json::from_str(&offered)?;
        let wish = json!({ "url": url, "scheme": scheme.wire(), "paymentRequired": required });
        if (who, scheme) == (Who::Py, Scheme::Eip3009) {
            let mut unaided = wish.clone();
            unaided["unaided"] = json!(true);
            let failed = process.ask("/sign", &unaided).await?;
            let fails = failed["failed"].as_str().is_some_and(|why| why.contains("not JSON serializable"));
            ensure!(fails, "the package's own signer needs no help any more, docs/peers.md says it does: {failed}");
        }
        let honest = process.ask("/sign", &wish).await?;
        let requirements = Requirements::read(&required["accepts"][0].to_string())?;
        let base = if facilitator == Who::Ours { market.facilitator_url() } else { &market.py.url };
        let seller = Seller::new(base)?;
        let verdict = seller.facilitator().verify(&Payment::read(&honest.to_string())?, &requirements).await?;
        ensure!(verdict.is_valid, "{facilitator:?} refuses what was signed: {verdict:?}");
        for (pointer, value) in members(who, scheme) {
            let mut changed = honest.clone();
            *changed.pointer_mut(pointer).with_context(|| format!("{pointer} of {honest}"))? = value;
            let verdict = seller.facilitator().verify(&Payment::read(&changed.to_string())?, &requirements).await?;
            ensure!(!verdict.is_valid, "{facilitator:?} takes another {pointer}");
        }
    }
    Ok(())
}
