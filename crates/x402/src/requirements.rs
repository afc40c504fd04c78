//! One payment option: what its text says, word for word, and what it means. Reading never fails; what is
//! wrong with an option stands in its `terms`, so that the others stay usable.

use crate::{
    Common, Malformed, Terms, Unusable, Version,
    json::{self, Node},
    read::Fields,
    scheme::{self, Around},
};
use serde_json::{Map, Value};
use tron::{Amount, Network};

/// An entry of `accepts`, or the `accepted` of a payment.
#[derive(Clone, Debug, PartialEq)]
pub struct Requirements {
    /// Its place in `accepts`.
    pub index: usize,
    /// The exact JSON text, echoed in `accepted`.
    pub raw: String,
    /// As written; the raw JSON where it is no string, empty when absent. So for the three below it.
    pub scheme: String,
    pub network: String,
    pub asset: String,
    pub pay_to: String,
    /// `amount`, in version 1 `maxAmountRequired`; `None` when it is absent or no amount.
    pub amount: Option<Amount>,
    pub max_timeout_seconds: Option<u64>,
    pub extra: Value,
    /// What nobody asked for, `extra`'s under `extra.…`.
    pub unknown: Map<String, Value>,
    pub terms: Result<Terms, Unusable>,
}

impl Requirements {
    /// Reads a requirement that stands alone, without the offer's extensions: `exact_permit` has no meta then.
    pub fn read(text: &str) -> Result<Self, Malformed> {
        let node = json::parse(text, "paymentRequirements")?;
        Fields::of(&node, "paymentRequirements")?;
        Ok(Self::of(&node, 0, "paymentRequirements", Version::V2, &Around::default()))
    }

    pub(crate) fn of(node: &Node<'_>, index: usize, path: &str, version: Version, around: &Around<'_, '_>) -> Self {
        let word = |name: &str| match node.get(name).filter(|n| !n.is_null()) {
            Some(node) => node.text().unwrap_or(node.raw).to_owned(),
            None => String::new(),
        };
        let mut read = Self {
            index,
            raw: node.raw.to_owned(),
            scheme: word("scheme"),
            network: word("network"),
            asset: word("asset"),
            pay_to: word("payTo"),
            amount: None,
            max_timeout_seconds: None,
            extra: node.get("extra").map_or(Value::Null, Node::value),
            unknown: Map::new(),
            terms: Err(Unusable::UnknownScheme { found: String::new() }),
        };
        match Fields::of(node, path) {
            Ok(fields) => {
                read.amount = amount(&fields, version).ok();
                read.max_timeout_seconds = fields.seconds("maxTimeoutSeconds").ok().flatten();
                let extra = fields.object("extra");
                read.terms = match &extra {
                    Ok(extra) => terms(&fields, extra.as_ref(), version, around),
                    Err(e) => Err(e.clone().into()),
                };
                for known in WORDS {
                    fields.get(known);
                }
                read.unknown = fields.unknown();
                // Terms that could not be read have not asked for all that they know.
                if let (Ok(Some(extra)), true) = (extra, read.terms.is_ok()) {
                    let inner = extra.unknown().into_iter().map(|(key, value)| (format!("extra.{key}"), value));
                    read.unknown.extend(inner);
                }
            }
            Err(e) => read.terms = Err(e.into()),
        }
        read
    }

    /// Whether both say the same, whatever the order of members; null and absent are the same.
    pub fn same_as(&self, other: &Self) -> bool {
        let value = |raw: &str| json::parse(raw, "").ok().map(|node| without_nulls(node.value()));
        self.raw == other.raw || value(&self.raw).is_some_and(|mine| value(&other.raw) == Some(mine))
    }
}

/// Every published member; the last four are what version 1 repeats in every option.
const WORDS: [&str; 12] = [
    "scheme",
    "network",
    "amount",
    "maxAmountRequired",
    "asset",
    "payTo",
    "maxTimeoutSeconds",
    "extra",
    "resource",
    "description",
    "mimeType",
    "outputSchema",
];

fn amount(fields: &Fields<'_, '_>, version: Version) -> Result<Amount, Malformed> {
    let (own, other) = match version {
        Version::V1 => ("maxAmountRequired", "amount"),
        Version::V2 => ("amount", "maxAmountRequired"),
    };
    match (fields.amount(own)?, fields.amount(other)?) {
        (Some(a), Some(b)) if a != b => {
            let expected = format!("the same amount as {own}, {a}");
            Err(Malformed::new(fields.at(other), &b.to_string(), expected))
        }
        (Some(amount), _) | (None, Some(amount)) => Ok(amount),
        (None, None) => Err(Malformed::absent(fields.at(own), crate::read::AMOUNT)),
    }
}

fn terms(
    fields: &Fields<'_, '_>,
    extra: Option<&Fields<'_, '_>>,
    version: Version,
    around: &Around<'_, '_>,
) -> Result<Terms, Unusable> {
    let scheme = fields.need_text("scheme")?;
    let network = fields.need_text("network")?;
    let network =
        Network::parse(&network).map_err(|_| Unusable::UnknownNetwork { found: crate::malformed::shown(&network) })?;
    let scheme = scheme::detect(&scheme, extra, around)?;
    let common = Common {
        network,
        token: fields.need_address("asset")?,
        payee: fields.need_address("payTo")?,
        price: amount(fields, version)?,
    };
    Terms::read(scheme, common, fields, extra, around)
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            map.into_iter().filter(|(_, v)| !v.is_null()).map(|(k, v)| (k, without_nulls(v))).collect()
        }
        Value::Array(items) => items.into_iter().map(without_nulls).collect(),
        other => other,
    }
}
