//! Terms and payloads as labelled facts for an inspector: a label key, the value, sometimes a remark key.
//! Holds no sentences and no judgement; words for keys are the surfaces' business.

use super::{Common, Fee, Payload, Terms, batch_settlement, exact_permit, exact_permit2};
use std::fmt::Display;
use tron::token::{self, Standing};

/// One fact. `key` and `remark` are stable words that a catalogue translates; amounts are in the token's
/// smallest unit, times in seconds since 1970, addresses Base58.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    pub key: &'static str,
    pub value: String,
    pub remark: Option<&'static str>,
}

#[derive(Default)]
struct Facts(Vec<Explanation>);

impl Facts {
    fn say(&mut self, key: &'static str, value: impl Display) {
        self.remark(key, value, None);
    }

    fn maybe(&mut self, key: &'static str, value: Option<impl Display>) {
        if let Some(value) = value {
            self.say(key, value);
        }
    }

    fn remark(&mut self, key: &'static str, value: impl Display, remark: Option<&'static str>) {
        self.0.push(Explanation { key, value: value.to_string(), remark });
    }

    fn bytes(&mut self, key: &'static str, bytes: &[u8]) {
        self.say(key, format_args!("0x{}", hex::encode(bytes)));
    }

    fn foreign(&mut self, key: &'static str, text: Option<&str>) {
        self.maybe(key, text.map(crate::malformed::shown));
    }

    fn common(&mut self, common: &Common, price: &'static str) {
        let test = common.network.is_test().then_some("test-money");
        self.remark("network", common.network.label(), test);
        let remark = match token::lookup(common.network, common.token).map(|t| t.standing) {
            Some(Standing::Current) => "known-token",
            Some(Standing::SecondTest) => "second-test-token",
            Some(Standing::Older) => "older-token",
            None => "unknown-token",
        };
        self.remark("token", common.token, Some(remark));
        self.say(price, common.price);
        self.say("payee", common.payee);
    }

    fn fee(&mut self, fee: Option<Fee>, remark: Option<&'static str>) {
        let Some(fee) = fee else { return };
        self.remark("fee-to", fee.to, remark);
        self.remark("fee", fee.amount, remark);
        self.maybe("caller", fee.caller);
    }

    fn meta(&mut self, meta: Option<&exact_permit::Meta>) {
        let Some(meta) = meta else {
            return self.remark("meta", "", Some("missing"));
        };
        let odd = (meta.kind != exact_permit::PAYMENT_ONLY).then_some("unknown-kind");
        self.remark("kind", crate::malformed::shown(&meta.kind), odd);
        self.bytes("payment-id", &meta.payment_id);
        self.say("nonce", meta.nonce);
        self.say("valid-after", meta.valid_after);
        self.say("valid-before", meta.valid_before);
    }

    fn timeout(&mut self, seconds: Option<u64>) {
        self.maybe("max-timeout", seconds);
    }
}

pub(super) fn terms(terms: &Terms) -> Vec<Explanation> {
    let mut facts = Facts::default();
    let signs = matches!(terms, Terms::ExactPermit(_) | Terms::ExactEip3009(_) | Terms::ExactPermit2(_));
    facts.remark("scheme", terms.scheme(), (!signs).then_some("not-signed-yet"));
    let price = if matches!(terms, Terms::Upto(_)) { "ceiling" } else { "price" };
    facts.common(terms.common(), price);
    match terms {
        Terms::ExactPermit(t) => {
            facts.fee(t.fee, None);
            if t.fee.and_then(|f| f.caller).is_none() {
                facts.remark("caller", "", Some("missing"));
            }
            facts.foreign("facilitator", t.facilitator_id.as_deref());
            facts.say("maximum", t.maximum);
            facts.say("contract", t.contract);
            if let Some(named) = t.named_contract {
                facts.remark("named-contract", named, (named != t.contract).then_some("not-in-registry"));
            }
            facts.meta(t.meta.as_ref());
        }
        Terms::ExactEip3009(t) => {
            facts.remark("contract", t.common.token, t.token_cannot().then_some("token-has-no-authorization"));
            facts.foreign("domain-name", t.domain_name.as_deref());
            facts.foreign("domain-version", t.domain_version.as_deref());
            facts.timeout(t.max_timeout_seconds);
        }
        Terms::ExactPermit2(t) => {
            facts.say("contract", t.contracts.permit2);
            facts.say("proxy", t.contracts.exact_proxy);
            if let Some(named) = t.named_contract {
                let known = exact_permit2::set_of(t.common.network, named).is_some();
                facts.remark("named-contract", named, (!known).then_some("not-in-registry"));
            }
            facts.maybe("facilitator", t.facilitator);
            facts.timeout(t.max_timeout_seconds);
        }
        Terms::Upto(t) => {
            facts.say("contract", t.contracts.permit2);
            facts.maybe("proxy", t.contracts.upto_proxy);
            match t.facilitator {
                Some(facilitator) => facts.say("facilitator", facilitator),
                None => facts.remark("facilitator", "", Some("missing")),
            }
            facts.timeout(t.max_timeout_seconds);
        }
        Terms::ExactGasfree(t) => {
            facts.say("contract", t.controller);
            facts.say("relayer", t.relayer);
            facts.fee(t.claimed_fee, Some("claimed-by-server"));
            facts.timeout(t.max_timeout_seconds);
        }
        Terms::BatchSettlement(t) => batch_terms(&mut facts, t),
        Terms::LegacyDelivery(t) => {
            facts.fee(t.fee, None);
            facts.foreign("facilitator", t.facilitator_id.as_deref());
            facts.say("maximum", t.maximum);
            facts.remark("contract", t.contract, Some("superseded"));
            facts.meta(t.meta.as_ref());
            facts.say("receive-token", t.delivery.receive_token);
            facts.say("receive-at-least", t.delivery.mini_receive_amount);
            facts.say("receive-token-id", t.delivery.token_id);
        }
    }
    facts.0
}

fn batch_terms(facts: &mut Facts, t: &batch_settlement::Terms) {
    let danger = t.deposit_may_be_lost().then_some("deposit-may-be-lost");
    facts.remark("contract", t.contracts.channel, danger);
    facts.say("receiver-authorizer", t.receiver_authorizer);
    facts.say("withdraw-delay", t.withdraw_delay);
    match t.method {
        batch_settlement::DepositMethod::Eip3009 => {
            facts.remark("collector", t.contracts.erc3009_collector, Some("eip3009"));
            facts.foreign("domain-name", t.domain_name.as_deref());
            facts.foreign("domain-version", t.domain_version.as_deref());
        }
        batch_settlement::DepositMethod::Permit2 => {
            facts.remark("collector", t.contracts.permit2_collector, Some("permit2"));
        }
    }
    if let Some(state) = &t.channel_state {
        if let Some(id) = state.channel_id {
            facts.bytes("channel", &id);
        }
        for (key, amount) in [
            ("channel-balance", state.balance),
            ("channel-claimed", state.total_claimed),
            ("channel-charged", state.charged_cumulative),
        ] {
            if let Some(amount) = amount {
                facts.remark(key, amount, Some("claimed-by-server"));
            }
        }
    }
    if let Some(state) = &t.voucher_state {
        if let Some(amount) = state.signed_max_claimable {
            facts.remark("voucher-total", amount, Some("claimed-by-server"));
        }
        facts.foreign("voucher-signature", state.signature.as_deref());
    }
    facts.timeout(t.max_timeout_seconds);
}

pub(super) fn payload(payload: &Payload) -> Vec<Explanation> {
    let mut facts = Facts::default();
    facts.say("scheme", payload.scheme());
    facts.say("payer", payload.payer());
    match payload {
        Payload::ExactPermit(p) => {
            permit(&mut facts, &p.permit);
            facts.say("contract", p.permit.contract());
            facts.say("digest", p.permit.digest());
        }
        Payload::LegacyDelivery(p) => {
            permit(&mut facts, &p.permit);
            facts.say("receive-token", p.delivery.receive_token);
            facts.say("receive-at-least", p.delivery.mini_receive_amount);
            facts.say("receive-token-id", p.delivery.token_id);
            facts.remark("contract", p.contract(), Some("superseded"));
            facts.say("digest", p.digest());
        }
        Payload::ExactEip3009(p) => {
            facts.say("payee", p.to);
            facts.say("price", p.value);
            facts.bytes("nonce", &p.nonce);
            facts.say("valid-after", p.valid_after);
            facts.remark("valid-before", p.valid_before, p.in_extensions.then_some("read-from-extensions"));
        }
        Payload::ExactPermit2(p) | Payload::Upto(p) => {
            let a = &p.authorization;
            let upto = matches!(payload, Payload::Upto(_));
            facts.say("token", a.token);
            facts.say(if upto { "ceiling" } else { "price" }, a.amount);
            facts.say("payee", a.to);
            facts.say("spender", a.spender);
            facts.maybe("facilitator", a.facilitator);
            facts.say("nonce", a.nonce);
            facts.say("valid-after", a.valid_after);
            facts.say("valid-before", a.deadline);
        }
        Payload::ExactGasfree(p) => {
            facts.say("token", p.token);
            facts.say("price", p.value);
            facts.say("payee", p.receiver);
            facts.say("fee-to", p.service_provider);
            facts.say("fee-at-most", p.max_fee);
            facts.maybe("gasfree-address", p.gasfree_address);
            facts.say("nonce", p.nonce);
            facts.say("valid-before", p.deadline);
            facts.remark("version", p.version, p.folded.then_some("folded-into-permit"));
        }
        Payload::BatchSettlement(p) => batch_payload(&mut facts, p),
    }
    facts.foreign("signature", Some(payload.signature()));
    facts.0
}

fn permit(facts: &mut Facts, permit: &exact_permit::Permit) {
    facts.say("network", permit.network.label());
    facts.say("token", permit.token);
    facts.say("price", permit.amount);
    facts.say("payee", permit.pay_to);
    facts.say("fee-to", permit.fee_to);
    facts.say("fee", permit.fee_amount);
    facts.maybe("maximum", permit.maximum());
    facts.remark("caller", permit.caller, permit.caller.is_zero().then_some("never-settles"));
    facts.say("kind", permit.kind.name());
    facts.bytes("payment-id", &permit.payment_id);
    facts.say("nonce", permit.nonce);
    facts.say("valid-after", permit.valid_after);
    facts.say("valid-before", permit.valid_before);
}

fn batch_payload(facts: &mut Facts, p: &batch_settlement::Payload) {
    let config = p.config();
    facts.say("kind", p.kind());
    facts.say("payee", config.receiver);
    facts.say("token", config.token);
    facts.say("payer-authorizer", config.payer_authorizer);
    facts.say("receiver-authorizer", config.receiver_authorizer);
    facts.say("withdraw-delay", config.withdraw_delay);
    facts.bytes("salt", &config.salt);
    if let Some(voucher) = p.voucher() {
        facts.bytes("channel", &voucher.channel_id);
        facts.say("voucher-total", voucher.max_claimable);
    }
    match p {
        batch_settlement::Payload::Deposit { deposit, .. } => {
            facts.say("deposit", deposit.amount);
            match &deposit.by {
                batch_settlement::DepositBy::Permit2 { spender, nonce, deadline, .. } => {
                    facts.remark("collector", spender, Some("permit2"));
                    facts.say("nonce", nonce);
                    facts.say("valid-before", deadline);
                }
                batch_settlement::DepositBy::Eip3009 { valid_after, valid_before, salt, .. } => {
                    facts.remark("nonce-salt", salt, Some("eip3009"));
                    facts.say("valid-after", valid_after);
                    facts.say("valid-before", valid_before);
                }
            }
        }
        batch_settlement::Payload::Refund { amount, .. } => facts.maybe("refund", *amount),
        batch_settlement::Payload::Voucher { .. } => {}
    }
}
