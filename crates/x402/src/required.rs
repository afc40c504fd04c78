//! Builds what a seller answers: prices become `PaymentRequired`, as header, as body of version 2 and as
//! body of version 1. Chooses nothing by itself: nonce, payment id and window are passed in.

use crate::{Fee, Offer, Requirements, exact_permit, extensions, facilitator::fee_json, header};
use serde_json::{Map, Value, json};
use tron::{Address, Amount, Network};

/// How a network is written. Readers differ: the canonical form is today's, x402-rs knows the hexadecimal one only,
/// SDKs up to 0.6.1 the named one only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetworkForm {
    Named,
    Hexadecimal,
    Canonical,
}

impl NetworkForm {
    pub const fn write(self, network: Network) -> &'static str {
        match self {
            Self::Named => network.named(),
            Self::Hexadecimal => network.hexadecimal(),
            Self::Canonical => network.canonical(),
        }
    }
}

/// One way to pay.
#[derive(Clone, Debug, PartialEq)]
pub struct Price {
    /// The wire's name: `exact_permit`, `exact`, …
    pub scheme: String,
    pub network: Network,
    pub form: NetworkForm,
    pub token: Address,
    pub amount: Amount,
    pub pay_to: Address,
    pub max_timeout_seconds: u64,
    pub fee: Option<Fee>,
    pub facilitator_id: Option<String>,
    /// Further members of `extra`.
    pub extra: Map<String, Value>,
}

impl Price {
    /// A price by `exact_permit`. Without a fee that names the facilitator as caller nobody can pay it.
    pub fn exact_permit(network: Network, token: Address, amount: Amount, pay_to: Address, fee: Fee) -> Self {
        Self {
            scheme: "exact_permit".to_owned(),
            network,
            form: NetworkForm::Named,
            token,
            amount,
            pay_to,
            max_timeout_seconds: 300,
            fee: Some(fee),
            facilitator_id: None,
            extra: Map::new(),
        }
    }

    /// The requirement's JSON in version 2.
    pub fn to_json(&self) -> String {
        self.value("amount").to_string()
    }

    /// The requirement as its reader sees it.
    pub fn requirements(&self) -> Result<Requirements, crate::Malformed> {
        Requirements::read(&self.to_json())
    }

    fn value(&self, amount: &str) -> Value {
        let mut extra = self.extra.clone();
        if let Some(fee) = &self.fee {
            extra.insert("fee".to_owned(), fee_json(fee, self.facilitator_id.as_deref()));
        }
        let mut price = Map::new();
        price.insert("scheme".to_owned(), json!(self.scheme));
        price.insert("network".to_owned(), json!(self.form.write(self.network)));
        price.insert(amount.to_owned(), json!(self.amount.to_string()));
        price.insert("asset".to_owned(), json!(self.token.to_string()));
        price.insert("payTo".to_owned(), json!(self.pay_to.to_string()));
        price.insert("maxTimeoutSeconds".to_owned(), json!(self.max_timeout_seconds));
        if !extra.is_empty() {
            price.insert("extra".to_owned(), Value::Object(extra));
        }
        Value::Object(price)
    }
}

/// A 402 in the making.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PaymentRequired {
    pub url: String,
    pub description: Option<String>,
    pub mime_type: Option<String>,
    pub error: Option<String>,
    pub prices: Vec<Price>,
    /// For `exact_permit`: what the payer signs beside the price. Fresh for every 402.
    pub permit: Option<exact_permit::Meta>,
    /// Further extensions by name.
    pub extensions: Map<String, Value>,
}

impl PaymentRequired {
    pub fn new(url: &str) -> Self {
        Self { url: url.to_owned(), ..Self::default() }
    }

    /// Version 2.
    pub fn to_json(&self) -> String {
        let mut resource = json!({"url": self.url});
        if let Some(resource) = resource.as_object_mut() {
            self.describe(resource);
        }
        let mut document = Map::new();
        document.insert("x402Version".to_owned(), json!(2));
        if let Some(error) = &self.error {
            document.insert("error".to_owned(), json!(error));
        }
        document.insert("resource".to_owned(), resource);
        document.insert("accepts".to_owned(), self.prices.iter().map(|p| p.value("amount")).collect());
        self.finish(document)
    }

    /// Version 1: amounts under their old name, the resource inside every option.
    pub fn to_json_v1(&self) -> String {
        let accepts = self.prices.iter().map(|p| {
            let mut price = p.value("maxAmountRequired");
            if let Some(price) = price.as_object_mut() {
                price.insert("resource".to_owned(), json!(self.url));
                // Readers of version 1 refuse an option without these.
                price.insert("description".to_owned(), json!(""));
                price.insert("mimeType".to_owned(), json!(""));
                self.describe(price);
            }
            price
        });
        let mut document = Map::new();
        document.insert("x402Version".to_owned(), json!(1));
        document.insert("error".to_owned(), json!(self.error.as_deref().unwrap_or("payment required")));
        document.insert("accepts".to_owned(), accepts.collect());
        self.finish(document)
    }

    /// The value of `PAYMENT-REQUIRED`.
    pub fn header_value(&self) -> String {
        header::write(&self.to_json())
    }

    /// The offer as its reader sees it.
    pub fn offer(&self) -> Result<Offer, crate::Malformed> {
        Offer::read(&self.to_json())
    }

    fn describe(&self, at: &mut Map<String, Value>) {
        for (name, text) in [("description", &self.description), ("mimeType", &self.mime_type)] {
            if let Some(text) = text {
                at.insert(name.to_owned(), json!(text));
            }
        }
    }

    fn finish(&self, mut document: Map<String, Value>) -> String {
        let mut all = self.extensions.clone();
        if let Some(meta) = &self.permit {
            all.insert(extensions::PERMIT_CONTEXT.to_owned(), json!({"meta": meta.wire()}));
        }
        if !all.is_empty() {
            document.insert("extensions".to_owned(), Value::Object(all));
        }
        Value::Object(document).to_string()
    }
}
