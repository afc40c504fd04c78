//! What the facilitator settles, by its own `/supported`, asked once and believed for a minute: which schemes on which
//! networks, spelled how, for which tokens. Refuses to offer what is not on the list; a facilitator without such a list
//! is taken to settle whatever it is asked for.

use crate::{FacilitatorClient, FacilitatorError, Price};
use serde_json::Value;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tron::{Address, Network};
use x402::{
    NetworkForm, Version,
    facilitator::{FINALITY, SupportedKind},
};

/// In the order in which they are offered where the facilitator knows several.
const FORMS: [NetworkForm; 3] = [NetworkForm::Canonical, NetworkForm::Hexadecimal, NetworkForm::Named];
const BELIEVED_SECS: u64 = 60;

#[derive(Default)]
pub(crate) struct Listed(Mutex<Believed>);

#[derive(Clone, Default)]
struct Believed {
    until: u64,
    /// `None`: it was not asked yet, or has no list.
    kinds: Option<Arc<[Kind]>>,
    /// It can wait until a settlement is final, and says what became of one.
    finality: bool,
}

struct Kind {
    version: Version,
    scheme: String,
    network: Network,
    form: NetworkForm,
    /// `None`: it does not say which tokens.
    assets: Option<Vec<Address>>,
}

impl Listed {
    fn believed(&self) -> MutexGuard<'_, Believed> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How to spell the price's network, a form for each row of the offer; none when the price would be refused.
    pub(crate) async fn forms(
        &self,
        facilitator: &FacilitatorClient,
        price: &Price,
        now: u64,
    ) -> Result<Vec<NetworkForm>, FacilitatorError> {
        self.ask(facilitator, now).await?;
        let kinds = self.believed().kinds.clone();
        let forms = match &kinds {
            Some(kinds) => choose(kinds, price),
            None if price.forms.is_empty() => vec![FORMS[0]],
            None => price.forms.clone(),
        };
        if forms.is_empty() {
            let (network, token, scheme) = (price.network.canonical(), price.token, price.scheme());
            tracing::warn!(network, %token, scheme, forms = ?price.forms, "the facilitator does not settle a price");
        }
        Ok(forms)
    }

    /// Whether the facilitator can wait until a settlement is final.
    pub(crate) async fn knows_final(
        &self,
        facilitator: &FacilitatorClient,
        now: u64,
    ) -> Result<bool, FacilitatorError> {
        self.ask(facilitator, now).await?;
        Ok(self.believed().finality)
    }

    /// Asks where nothing is known or it is too old.
    async fn ask(&self, facilitator: &FacilitatorClient, now: u64) -> Result<(), FacilitatorError> {
        if self.believed().until <= now {
            let (kinds, finality) = match facilitator.supported().await {
                Ok(supported) => (
                    Some(supported.kinds.iter().filter_map(Kind::of).collect()),
                    supported.extensions.iter().any(|known| known == FINALITY),
                ),
                Err(FacilitatorError::Status { status: 404 | 405 | 501, .. }) => (None, false),
                Err(error) => return Err(error),
            };
            *self.believed() = Believed { until: now.saturating_add(BELIEVED_SECS), kinds, finality };
        }
        Ok(())
    }

    /// The forms in which a payment of this price may have its network, the first for one in another form. Asks nobody:
    /// what is not known yet is no reason to refuse.
    pub(crate) fn accepted(&self, price: &Price) -> Vec<NetworkForm> {
        let kinds = self.believed().kinds.clone();
        let known = kinds.map(|kinds| choose(&kinds, price)).filter(|forms| !forms.is_empty());
        known.unwrap_or_else(|| if price.forms.is_empty() { FORMS.to_vec() } else { price.forms.clone() })
    }
}

impl Kind {
    /// `None` for what is not on TRON.
    fn of(kind: &SupportedKind) -> Option<Self> {
        let network = Network::parse(&kind.network).ok()?;
        let form = FORMS.into_iter().find(|form| form.write(network) == kind.network)?;
        let addresses = |list: &Vec<Value>| list.iter().filter_map(|a| Address::parse(a.as_str()?).ok()).collect();
        let assets = kind.extra.get("assets").and_then(Value::as_array).map(addresses);
        Some(Self { version: kind.version, scheme: kind.scheme.clone(), network, form, assets })
    }

    fn settles(&self, price: &Price) -> bool {
        (self.scheme.as_str(), self.network) == (price.scheme(), price.network)
            && self.assets.as_ref().is_none_or(|assets| assets.contains(&price.token))
    }
}

/// What the seller wants of what the facilitator lists; the first of the list's where the seller leaves it open.
fn choose(kinds: &[Kind], price: &Price) -> Vec<NetworkForm> {
    let settled: Vec<_> = kinds.iter().filter(|kind| kind.settles(price)).collect();
    // Older lists know version 1 alone, and settle what names a network so.
    let of = |version| settled.iter().filter(move |kind| kind.version == version).map(|kind| kind.form);
    let mut listed: Vec<_> = of(Version::V2).collect();
    if listed.is_empty() {
        listed = of(Version::V1).collect();
    }
    if price.forms.is_empty() {
        FORMS.into_iter().find(|form| listed.contains(form)).into_iter().collect()
    } else {
        price.forms.iter().copied().filter(|form| listed.contains(form)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use tron::Amount;
    use x402::facilitator::Supported;

    fn price() -> Price {
        let [token, payee] = [3, 4].map(|byte| Address::from_bytes([byte; 20]));
        Price::new(Network::Nile, token, Amount::from_u64(1), payee)
    }

    fn kinds(list: &Value) -> Vec<Kind> {
        let supported = Supported::read(&json!({ "kinds": list }).to_string()).unwrap();
        supported.kinds.iter().filter_map(Kind::of).collect()
    }

    #[test]
    fn the_facilitators_spelling_is_offered_and_decimal_first_where_it_knows_several() {
        use NetworkForm::{Canonical, Hexadecimal, Named};
        let kind = |scheme: &str, network: &str| json!({ "x402Version": 2, "scheme": scheme, "network": network });
        let [named, hexadecimal, decimal] =
            ["tron:nile", "tron:0xcd8690dc", "tron:3448148188"].map(|network| kind("exact", network));
        let first = json!({ "x402Version": 1, "scheme": "exact", "network": "tron:nile" });
        let foreign = [kind("exact", "eip155:1"), kind("exact", "tron:4oPwXB"), kind("exact", "tron:mainnet")];
        let any = price();
        let both = price().form(Named).form(Canonical);
        for (list, wanted, offered) in [
            (json!([named, hexadecimal, decimal]), &any, vec![Canonical]),
            (json!([named, hexadecimal, first]), &any, vec![Hexadecimal]),
            (json!([named]), &any, vec![Named]),
            (json!([first]), &any, vec![Named]),
            (json!([named, hexadecimal, decimal]), &both, vec![Named, Canonical]),
            (json!([hexadecimal, decimal]), &both, vec![Canonical]),
            (json!([hexadecimal]), &both, vec![]),
            (json!(foreign), &any, vec![]),
            (json!([kind("exact_permit", "tron:nile")]), &any, vec![]),
            (json!([]), &any, vec![]),
        ] {
            assert_eq!(choose(&kinds(&list), wanted), offered, "{list}");
        }
    }

    #[test]
    fn a_token_that_is_not_on_the_list_is_not_offered() {
        let of = |assets: Value| {
            let extra = json!({ "assets": assets });
            kinds(&json!([{ "x402Version": 2, "scheme": "exact", "network": "tron:nile", "extra": extra }]))
        };
        let (mine, other) = (price().token.to_string(), Address::from_bytes([9; 20]).to_string());
        assert_eq!(choose(&of(json!([other, mine])), &price()), [NetworkForm::Named]);
        assert!(choose(&of(json!([other])), &price()).is_empty());
        assert!(choose(&of(json!([])), &price()).is_empty());
        // Whoever says nothing that can be read says nothing.
        assert_eq!(choose(&of(json!("all")), &price()), [NetworkForm::Named]);
    }
}
