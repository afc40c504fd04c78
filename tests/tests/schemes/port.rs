//! Each scheme from the app's 402 to the ledger's row: bought at the practice shop through the port, answered at the
//! control socket, settled by the facilitator, found on chain. And what can't be settled, explained before anything is
//! signed.

use crate::counter::Counter;
use serde_json::{Value, json};
use stories::{USDT, address, key};
use tron::{Address, Amount, Network, registry};
use view::{MoneyView, QuestionView};
use x402::header;

const SECOND: &str = "second";

fn smallest(units: u64) -> Option<String> {
    Some(units.to_string())
}

fn known(amount: &MoneyView) -> Option<String> {
    Some(amount.smallest.clone())
}

/// One purchase at the shop, and what has to come of it.
struct Purchase {
    url: String,
    scheme: &'static str,
    token: Address,
    price: u64,
    fee: u64,
    /// Whose allowance is part of the question, and the contract that is signed for.
    spender: Option<Address>,
    contract: Address,
}

impl Purchase {
    fn all(counter: &Counter, set: usize) -> [Self; 4] {
        let deployed = registry::deployments(Network::Nile);
        let (permit, set, usdt) = (deployed.payment_permit, &deployed.permit2[set], counter.world.usdt());
        let by = |url: String, scheme, price, fee, spender: Option<Address>, contract| {
            let token = if spender.is_some() { usdt } else { contract };
            Self { url, scheme, token, price, fee, spender, contract }
        };
        let world = &counter.world;
        [
            by(world.cheap_url(), "exact_permit", 50_000, 0, Some(permit), permit),
            by(world.fee_url(), "exact_permit", 250_000, 10_000, Some(permit), permit),
            by(world.permit2_url(), "exact/permit2", 60_000, 0, Some(set.permit2), set.exact_proxy),
            by(world.token_url(), "exact/eip3009", 30_000, 0, None, devnet::AUTHORIZED_USD),
        ]
    }

    /// What the person sees is what the shop asks for.
    fn fits(&self, question: &QuestionView) {
        let total = smallest(self.price + self.fee);
        assert_eq!((question.scheme.as_str(), known(&question.maximum)), (self.scheme, total), "{}", self.url);
        assert_eq!(question.fee.as_ref().and_then(known), smallest(self.fee).filter(|_| self.fee > 0), "{}", self.url);
        assert_eq!(question.contract.address, self.contract.to_string());
        assert_eq!(question.payee.address, practice::pay_to().to_string());
        // The allowance is part of the same question, exactly as much as this payment takes.
        let allowance = question.allowance.as_ref().map(|a| (a.spender.address.clone(), a.exact.smallest.clone()));
        let total = (self.price + self.fee).to_string();
        assert_eq!(allowance, self.spender.map(|spender| (spender.to_string(), total)), "{}", self.url);
    }

    async fn made(&self, counter: &Counter) {
        let before = [practice::pay_to(), counter.payer].map(|of| counter.balance(self.token, of));
        let before = futures::future::join_all(before).await;
        let got = counter.buys(&self.url, async |question| {
            self.fits(&question);
            counter.yes(&question).await;
        });
        let got = got.await.unwrap();
        assert_eq!(got.status, 200, "{}", self.url);
        assert!(!got.body.is_empty());
        let told = x402::Settlement::read(got.payment_response.as_ref().unwrap()).unwrap();
        let transaction = told.transaction.unwrap();
        assert!(told.success && counter.went_well(&transaction).await);

        let (price, total) = (Amount::from_u64(self.price), Amount::from_u64(self.price + self.fee));
        let earned = counter.balance(self.token, practice::pay_to()).await;
        let left = counter.balance(self.token, counter.payer).await;
        assert_eq!((earned, left), (before[0].saturating_add(price), before[1].saturating_sub(total)), "{}", self.url);
        if let Some(spender) = self.spender {
            // What was allowed for this payment is used up by it.
            assert_eq!(counter.allowance(spender).await, Amount::ZERO, "{}", self.url);
        }
        counter.settle_down().await;
        let row = counter.row(&got.payment_id.unwrap()).await;
        assert_eq!((row.scheme.as_str(), known(&row.price)), (self.scheme, smallest(self.price)));
        assert_eq!(
            (known(&row.maximum), known(&row.payment.amount)),
            (smallest(self.price + self.fee), known(&row.maximum))
        );
        assert_eq!(row.payment.transaction.as_deref(), Some(transaction.as_str()));
        assert_eq!(row.payment.settlement, view::SettlementView::Final, "{}", self.url);
        assert_eq!(row.payment.delivery, view::DeliveryView::Delivered);
        assert_eq!((row.payment.at_most, row.token.address), (false, self.token.to_string()));
        assert!(row.signed_payload.is_some() && row.block.is_some());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_scheme_is_bought_settled_and_recorded() {
    let counter = Counter::open().await;
    counter.add_token().await;
    for purchase in Purchase::all(&counter, 0) {
        purchase.made(&counter).await;
    }
    assert_eq!(counter.rows().await, 4);
    counter.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_permit2_is_bought_through_where_the_configuration_selects_it() {
    let counter = Counter::with(|world| format!("[permit2_sites]\n\"{}\" = \"{SECOND}\"\n", world.shop_url())).await;
    let set = registry::deployments(Network::Nile).permit2.iter().position(|set| set.name == SECOND).unwrap();
    let [_, _, purchase, _] = Purchase::all(&counter, set);
    purchase.made(&counter).await;
    counter.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_and_a_preference_by_port_are_about_the_scheme_that_is_named() {
    let counter = Counter::open().await;
    counter.add_token().await;
    let (url, usdt) = (counter.world.choice_url(), counter.world.usdt().to_string());
    let offer = counter.offer(&url).await;
    let own = devnet::AUTHORIZED_USD.to_string();
    // Without a wish the cheapest of the known token; "exact" is either of two.
    let wishes = [
        (json!({}), "exact/permit2", "65000", &usdt),
        (json!({ "scheme": "exact_permit" }), "exact_permit", "70000", &usdt),
        (json!({ "scheme": "exact/permit2" }), "exact/permit2", "65000", &usdt),
        (json!({ "scheme": "exact/eip3009" }), "exact/eip3009", "80000", &own),
        (json!({ "scheme": "exact" }), "exact/permit2", "65000", &usdt),
        (json!({ "scheme": "exact", "asset": own }), "exact/eip3009", "80000", &own),
        (json!({ "asset": own, "network": "tron:nile" }), "exact/eip3009", "80000", &own),
        // What nobody offers can't be preferred.
        (json!({ "scheme": "exact_gasfree" }), "exact/permit2", "65000", &usdt),
    ];
    for (prefer, scheme, maximum, asset) in wishes {
        let request = Counter::request(&url, &offer, prefer.clone());
        let (status, checked) = counter.post("/v1/check", &request).await;
        assert_eq!((status, checked["verdict"].as_str()), (200, Some("ask")), "{checked}");
        let (status, asked) = counter.post("/v1/payments", &request).await;
        assert_eq!(status, 202, "{asked}");
        for plan in [&checked["plan"], &asked["plan"]] {
            assert_eq!(plan["scheme"], scheme, "{prefer}");
            assert_eq!((&plan["maximum"]["smallest"], &plan["asset"]), (&json!(maximum), &json!(asset)), "{prefer}");
        }
        let question = counter.question().await;
        assert_eq!((question.id.as_str(), question.scheme.as_str()), (asked["id"].as_str().unwrap(), scheme));
        assert_eq!(counter.cancel(&question.id).await["status"], "cancelled");
    }
    counter.close().await;
}

/// What an app is told about a 402 that can't be settled: the finding, and a word of the way out.
struct Hopeless {
    what: &'static str,
    document: Value,
    code: &'static str,
    finding: &'static str,
    way_out: &'static str,
}

fn document(option: Value, extensions: Value) -> Value {
    json!({ "x402Version": 2, "accepts": [option], "extensions": extensions })
}

fn hopeless() -> Vec<Hopeless> {
    let deployed = registry::deployments(Network::Nile);
    let payee = key(0x51).address().to_string();
    let option = |scheme: &str, asset: &str, extra: Value| {
        json!({ "scheme": scheme, "network": "tron:nile", "amount": "250000", "asset": asset, "payTo": payee,
                "maxTimeoutSeconds": 300, "extra": extra })
    };
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let meta = json!({ "kind": "PAYMENT_ONLY", "paymentId": "0x000102030405060708090a0b0c0d0e0f", "nonce": "77",
                       "validAfter": now - 60, "validBefore": now + 600 });
    let permit = json!({ "paymentPermitContext": { "meta": meta } });
    let named = |name: &str| json!({ "name": name, "version": "1", "assetTransferMethod": "eip3009" });
    let own = devnet::AUTHORIZED_USD.to_string();
    let superseded = deployed.superseded.first().unwrap().1.to_string();
    let through = |contract: &str| json!({ "assetTransferMethod": "permit2", "spender": contract });
    let hopeless = |what, document, code, finding, way_out| Hopeless { what, document, code, finding, way_out };
    vec![
        hopeless(
            "a token without TIP-3009",
            document(option("exact", USDT, named("Tether USD")), json!({})),
            "CANNOT_SIGN",
            "tokenCannotAuthorize",
            "Permit2",
        ),
        hopeless(
            "another token's domain",
            document(option("exact", &own, named("Tether USD")), json!({})),
            "CANNOT_SIGN",
            "domainDiffers",
            "extra.name",
        ),
        hopeless(
            "a permit that nobody may settle",
            document(
                option("exact_permit", USDT, json!({ "fee": { "feeTo": payee, "feeAmount": "10000" } })),
                permit.clone(),
            ),
            "CANNOT_SIGN",
            "callerMissing",
            "extra.fee.caller",
        ),
        hopeless(
            "a contract of an old release",
            document(option("exact", USDT, through(&superseded)), json!({})),
            "UNKNOWN_CONTRACT",
            "contractSuperseded",
            "current contract",
        ),
        hopeless(
            "nobody's contract",
            document(option("exact", USDT, through(&payee)), json!({})),
            "UNKNOWN_CONTRACT",
            "contractUnknown",
            "current contract",
        ),
        hopeless(
            "a scheme that is not paid with",
            document(option("upto", USDT, json!({ "permit2FacilitatorAddress": payee })), json!({})),
            "UNSUPPORTED_SCHEME",
            "UNSUPPORTED_SCHEME",
            "TIP-3009",
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_never_be_settled_is_explained_with_the_way_out_before_anything_is_signed() {
    let counter = Counter::open().await;
    counter.add_token().await;
    for Hopeless { what, document, code, finding, way_out } in hopeless() {
        let offer = header::write(&document.to_string());
        let request = Counter::request("https://news.example/articles/8841", &offer, json!({}));
        let (status, checked) = counter.post("/v1/check", &request).await;
        assert_eq!(
            (status, &checked["verdict"], &checked["reasons"]),
            (200, &json!("refuse"), &json!([finding])),
            "{what}"
        );
        let advised = |failure: &Value| {
            assert_eq!(failure["code"], code, "{what}: {failure}");
            assert!(failure["advice"].as_str().is_some_and(|a| a.contains(way_out)), "{what}: {failure}");
        };
        advised(&checked["failure"]);
        let (status, refused) = counter.post("/v1/payments", &request).await;
        assert!((400..500).contains(&status), "{what}: {status}");
        advised(&refused);
    }
    // Refused by their findings, and written down as such; of the last not even a plan could be made.
    let page = counter.owner.desk().payments(view::FilterView::default()).await.unwrap();
    assert_eq!(page.payments.len(), 5);
    assert!(page.payments.iter().all(|row| row.state == view::StateView::Refused && row.nothing_left));
    assert_eq!(counter.balance(address(USDT), counter.payer).await, Amount::from_u64(100_000_000));
    counter.close().await;
}
