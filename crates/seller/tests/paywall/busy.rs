//! A facilitator whose node is busy: the buyer is told that nothing was settled, and the same payment is good later.

use crate::stage::{Stage, got, settlement};
use devnet::{Busy, Share};
use serde_json::Value;

#[tokio::test]
async fn a_busy_facilitator_is_passed_on_with_its_word_that_nothing_was_settled() {
    let stage = Stage::start(|seller| seller).await;
    let always = Share { part: 1, of: 1 };
    // At the trial run of /verify, and after it, when the transaction is offered.
    for (path, busy) in [
        ("/small", Busy { trial_runs: always, ..Busy::default() }),
        ("/small", Busy { broadcasts: always, ..Busy::default() }),
    ] {
        let payment = stage.sign(&stage.offer(path).await, 0);
        let runs = stage.kitchen.runs();
        stage.devnet.be_busy(busy);
        let response = stage.pay(path, &payment).await;
        assert_eq!((response.status().as_u16(), response.headers()["retry-after"].to_str().unwrap()), (503, "5"));
        let told = settlement(&response);
        assert_eq!((told.success, told.error_reason.as_deref()), (false, Some("facilitator_busy")));
        let body: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
        assert_eq!(body["error"], "facilitator_busy", "{body}");
        stage.devnet.be_busy(Busy::default());
        let (status, _, text) = got(stage.pay(path, &payment).await).await;
        assert_eq!(status, 200, "{text}");
        assert!(stage.kitchen.runs() > runs);
    }
}
