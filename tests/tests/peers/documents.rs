//! Everything that we emit, read by the published types and written by them again, and read by us the same: offers,
//! payments, settlements, verdicts and what a facilitator supports, for every scheme that is signed here.

use crate::process::Process;
use anyhow::{Context, Result, bail, ensure};
use practice::NETWORK;
use serde_json::{Value, json};
use stories::{USDT, address, key};
use tron::Amount;
use x402::facilitator::{Quote, Supported, SupportedKind, VerifyResponse};
use x402::{Fee, Fresh, NetworkForm, Offer, Payment, PaymentRequired, Price, Requirements, Settlement, U256};

/// Who has types for documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// `@x402/core`.
    Core,
    /// `x402` of PyPI.
    X402,
    /// `bankofai-x402`.
    Bankofai,
}

impl Reader {
    pub const ALL: [Self; 3] = [Self::Core, Self::X402, Self::Bankofai];
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Required,
    Payment,
    Settled,
    Verified,
    Supported,
    Quote,
}

pub struct Document {
    pub kind: Kind,
    pub version: u8,
    /// A scheme, or which answer it is.
    pub about: &'static str,
    json: String,
}

impl Kind {
    pub fn title(self) -> &'static str {
        match self {
            Self::Required => "PaymentRequired",
            Self::Payment => "PaymentPayload",
            Self::Settled => "SettleResponse",
            Self::Verified => "VerifyResponse",
            Self::Supported => "SupportedResponse",
            Self::Quote => "FeeQuoteResponse",
        }
    }
}

impl Document {
    fn new(kind: Kind, version: u8, about: &'static str, json: String) -> Self {
        Self { kind, version, about, json }
    }

    /// What this reader calls the type; an error says why it has none.
    fn type_of(&self, reader: Reader) -> Result<String, &'static str> {
        let title = self.kind.title();
        match (reader, self.kind, self.version) {
            (Reader::Core, Kind::Required | Kind::Payment, version) => Ok(format!("{title}V{version}")),
            (Reader::Core, Kind::Quote, _) => Err("not its protocol"),
            (Reader::Core, ..) => Err("by its client, see above"),
            (Reader::X402, Kind::Quote, _) => Err("not its protocol"),
            (Reader::X402, Kind::Required | Kind::Payment, 1) => Ok(format!("{title}V1")),
            (Reader::Bankofai, _, 1) => Err("version 2 only"),
            (Reader::Bankofai, Kind::Payment, _) if self.about == "exact/permit2" => Err("its type has no permit2"),
            _ => Ok(title.to_owned()),
        }
    }

    /// Whether the reader takes it, and what it writes of it says the same to us.
    pub async fn pass(&self, reader: Reader, py: &Process, core: &Process) -> Result<Option<&'static str>> {
        let name = match self.type_of(reader) {
            Ok(name) => name,
            Err(reason) => return Ok(Some(reason)),
        };
        let document: Value = serde_json::from_str(&self.json)?;
        let question = match reader {
            Reader::Core => json!({ "schema": name, "document": document }),
            Reader::X402 => json!({ "module": "x402.schemas", "type": name, "document": document }),
            Reader::Bankofai => json!({ "module": "bankofai.x402.types", "type": name, "document": document }),
        };
        let answer = if reader == Reader::Core { core } else { py }.ask("/read", &question).await?;
        if let Some(refused) = answer.get("refused") {
            bail!("{name} refuses {}: {refused}", self.json);
        }
        let theirs = match (reader, self.kind, self.version) {
            // The package's own header of what it read.
            (Reader::Core, _, 2) => {
                let question = json!({ "kind": self.kind.title(), "document": answer["document"] });
                core.ask("/write", &question).await?["header"].as_str().context("header")?.to_owned()
            }
            _ => answer["document"].to_string(),
        };
        // The types of version 1 know no extensions, so that what they write of a permit has lost its context.
        if self.kind != Kind::Required || self.version == 2 {
            ensure!(self.reads_the_same(&theirs)?, "{theirs}\nsays something else than\n{}", self.json);
        }
        Ok(None)
    }

    fn reads_the_same(&self, theirs: &str) -> Result<bool> {
        let ours = self.json.as_str();
        Ok(match self.kind {
            Kind::Required => {
                let (ours, theirs) = (Offer::read(ours)?, Offer::read(theirs)?);
                let terms = |offer: &Offer| offer.options.iter().map(|o| o.terms.clone()).collect::<Vec<_>>();
                let resource = |offer: &Offer| offer.resource.clone().map(|r| (r.url, r.description, r.mime_type));
                (terms(&ours), &ours.error, resource(&ours)) == (terms(&theirs), &theirs.error, resource(&theirs))
            }
            Kind::Payment => {
                let (ours, theirs) = (Payment::read(ours)?, Payment::read(theirs)?);
                let terms = |payment: &Payment| payment.accepted.as_ref().map(|a| a.terms.clone());
                (&ours.payload, &ours.scheme, ours.signer()) == (&theirs.payload, &theirs.scheme, theirs.signer())
                    && terms(&ours) == terms(&theirs)
            }
            Kind::Settled => {
                let (ours, theirs) = (Settlement::read(ours)?, Settlement::read(theirs)?);
                (ours.success, ours.transaction, ours.network, ours.error_reason)
                    == (theirs.success, theirs.transaction, theirs.network, theirs.error_reason)
            }
            Kind::Verified => {
                let (ours, theirs) = (VerifyResponse::read(ours)?, VerifyResponse::read(theirs)?);
                (ours.is_valid, ours.invalid_reason) == (theirs.is_valid, theirs.invalid_reason)
            }
            Kind::Supported => {
                let (ours, theirs) = (Supported::read(ours)?.kinds, Supported::read(theirs)?.kinds);
                // The type of bankofai-x402 0.6.1 has no `extra`.
                let same = |(ours, theirs): (&SupportedKind, &SupportedKind)| {
                    (ours.version, &ours.scheme, &ours.network) == (theirs.version, &theirs.scheme, &theirs.network)
                        && (theirs.extra.is_null() || ours.extra == theirs.extra)
                };
                ours.len() == theirs.len() && ours.iter().zip(&theirs).all(same)
            }
            Kind::Quote => {
                let list = |one: &str| Quote::read_list(&format!("[{one}]"));
                list(ours)? == list(theirs)?
            }
        })
    }
}

/// What our seller, wallet and facilitator say, one of each kind.
pub fn emitted() -> Result<Vec<Document>> {
    let payer = key(0x11);
    let caller = key(0xfa).address();
    let fee = Fee { to: caller, amount: Amount::from_u64(10_000), caller: Some(caller) };
    let mut permit = Price::exact_permit(NETWORK, address(USDT), Amount::from_u64(250_000), key(0x51).address(), fee);
    permit.facilitator_id = Some("ours".to_owned());
    let exact = |method: &str| {
        let mut price =
            Price { scheme: "exact".to_owned(), form: NetworkForm::Hexadecimal, fee: None, ..permit.clone() };
        price.extra.insert("assetTransferMethod".to_owned(), json!(method));
        price.extra.insert("name".to_owned(), json!("Authorized Dollar"));
        price.extra.insert("version".to_owned(), json!("1"));
        price
    };
    let fresh = Fresh { nonce: U256::from(7), valid_after: 1_800_000_000, valid_before: 1_800_000_300 };
    let meta = x402::exact_permit::Meta::payment_only([7; 16], U256::from(7), 1_800_000_000, 1_800_000_300);
    let mut all = Vec::new();
    for (about, price) in
        [("exact_permit", permit.clone()), ("exact/eip3009", exact("eip3009")), ("exact/permit2", exact("permit2"))]
    {
        let required = PaymentRequired {
            error: Some("payment required".to_owned()),
            permit: (about == "exact_permit").then(|| meta.clone()),
            prices: vec![price],
            ..PaymentRequired::new("https://shop.example/article")
        };
        for (version, text) in [(2, required.to_json()), (1, required.to_json_v1())] {
            let offer = Offer::read(&text)?;
            let option: &Requirements = &offer.options[0];
            let authorization = option.terms.clone()?.with(fresh).authorize(payer.address())?;
            let payment = authorization.payment(&offer, option, &payer.sign(&authorization.digest));
            all.push(Document::new(Kind::Required, version, about, text));
            all.push(Document::new(Kind::Payment, version, about, payment.to_json().to_owned()));
        }
    }
    let (network, transaction) = (NETWORK.named(), "ab".repeat(32));
    let payer = payer.address();
    for (about, settlement) in [
        ("settled", Settlement::settled(network, &transaction, payer)),
        ("pending", Settlement::pending(network, &transaction, payer)),
        ("failed", Settlement::failed(network, "insufficient_funds")),
    ] {
        all.push(Document::new(Kind::Settled, 2, about, settlement.to_json()));
    }
    all.push(Document::new(Kind::Verified, 2, "yes", VerifyResponse::valid(payer).to_json()));
    all.push(Document::new(Kind::Verified, 2, "no", VerifyResponse::invalid("expired", Some(payer)).to_json()));
    let quote = Quote {
        fee,
        facilitator_id: Some("ours".to_owned()),
        pricing: "flat".to_owned(),
        scheme: "exact_permit".to_owned(),
        network: network.to_owned(),
        asset: address(USDT),
        expires_at: Some(1_800_000_300),
    };
    let list = Quote::write_list(&[quote]);
    let one = list.trim_start_matches('[').trim_end_matches(']').to_owned();
    all.push(Document::new(Kind::Quote, 2, "exact_permit", one));
    Ok(all)
}

/// What a running facilitator of ours supports.
pub async fn supported(url: &str) -> Result<Document> {
    let answer = seller::Seller::new(url)?.facilitator().supported().await?;
    Ok(Document::new(Kind::Supported, 2, "all kinds", answer.to_json()))
}
