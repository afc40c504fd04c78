//! Fields as lines for people: amounts in whole units by our own table, times as dates, addresses in both forms with
//! what they are. Refuses to use decimals that a server claims.

use crate::WeightView;
use crate::inspect::shapes::{GroupView, LineView};
use crate::question::quoted;
use crate::show_payment;
use crate::words::{duration, find};
use plan::Moment;
use tron::registry::{self, Role};
use tron::token::{self, Token};
use tron::{Address, Amount, Network};
use x402::Explanation;

const LABEL_MAX: usize = 80;
const VALUE_MAX: usize = 500;
/// Lines of one group; what is beyond stands in the document.
const LINES: usize = 160;

/// What the values of a group are told by.
#[derive(Clone, Copy, Default)]
pub(super) struct Around {
    pub network: Option<Network>,
    pub token: Option<Address>,
    /// `None`: no clock, nothing is called expired.
    pub now: Option<Moment>,
}

impl Around {
    pub fn known(&self) -> Option<&'static Token> {
        token::lookup(self.network?, self.token?)
    }

    /// "0.25 USDT", or the smallest units of a token that is not known.
    pub fn money(&self, amount: Amount) -> String {
        match self.known() {
            Some(token) => format!("{} {}", amount.format_units(token.decimals), token.symbol),
            None => format!("{amount} smallest units"),
        }
    }

    /// What a contract or token of this network, or of any, is called.
    pub fn name(&self, address: Address) -> Option<String> {
        let all = Network::ALL.into_iter().filter(|n| self.network.is_none_or(|own| own == *n));
        all.into_iter().find_map(|network| named(network, address))
    }
}

/// What an address is on a network: a known token or a contract of the registry.
pub(super) fn named(network: Network, address: Address) -> Option<String> {
    let on = network.label();
    if let Some(token) = token::lookup(network, address) {
        return Some(format!("{} on {on}", token.symbol));
    }
    registry::role(network, address).map(|role| format!("{} on {on}", role_name(role)))
}

pub(crate) fn role_name(role: Role) -> String {
    match role {
        Role::Superseded(what) => format!("superseded: {what}"),
        Role::ExactProxy => "Permit2 proxy of exact".to_owned(),
        Role::UptoProxy => "Permit2 proxy of upto".to_owned(),
        Role::GasFreeController => "GasFree controller".to_owned(),
        Role::Channel => "payment channel contract".to_owned(),
        Role::Erc3009Collector => "channel's collector for TIP-3009".to_owned(),
        Role::Permit2Collector => "channel's collector for Permit2".to_owned(),
        Role::PaymentPermit | Role::Permit2 => format!("{role:?} contract"),
    }
}

/// "expired 4 minutes ago", "in 10 minutes".
pub(super) fn when(at: u64, now: Moment) -> (bool, String) {
    let now = now.secs();
    match at.checked_sub(now) {
        Some(0) | None => (true, format!("{} ago", duration(now - at))),
        Some(ahead) => (false, format!("in {}", duration(ahead))),
    }
}

/// Groups being written.
#[derive(Default)]
pub(super) struct Lines(Vec<GroupView>);

impl Lines {
    /// Begins a group.
    pub fn group(&mut self, name: impl Into<String>) -> &mut Self {
        self.0.push(GroupView { name: quoted(&name.into(), LABEL_MAX), option: false, lines: vec![] });
        self
    }

    /// Begins one of several groups to be compared.
    pub fn option(&mut self, name: impl Into<String>) -> &mut Self {
        self.group(name);
        if let Some(group) = self.0.last_mut() {
            group.option = true;
        }
        self
    }

    /// The groups that have something in them.
    pub fn done(self) -> Vec<GroupView> {
        self.0.into_iter().filter(|group| !group.lines.is_empty()).collect()
    }

    /// A line by its key in the catalogue, or with a name from outside.
    pub fn add(&mut self, key: &str, value: impl ToString) -> Line<'_> {
        let value = value.to_string();
        let also = match value.len() == 34 && value.starts_with('T') {
            true => Address::parse(&value).ok().map(|a| a.to_evm_hex()),
            false => None,
        };
        let line = LineView {
            // A member that nobody asked for names its own line.
            label: quoted(&find(&format!("label-{key}"), &[]).unwrap_or_else(|| key.replace('-', " ")), LABEL_MAX),
            value: quoted(&value, VALUE_MAX),
            also,
            remark: None,
            help: find(&format!("help-{key}"), &[]),
            weight: None,
        };
        if self.0.is_empty() {
            self.group("");
        }
        let Some(group) = self.0.last_mut() else { return Line(None) };
        if group.lines.len() >= LINES {
            return Line(None);
        }
        group.lines.push(line);
        Line(group.lines.last_mut())
    }

    /// Says more about the line that was added last.
    pub fn last(&mut self, say: impl FnOnce(Line<'_>) -> Line<'_>) {
        if let Some(line) = self.0.last_mut().and_then(|group| group.lines.last_mut()) {
            say(Line(Some(line)));
        }
    }

    pub fn maybe(&mut self, key: &str, value: Option<impl ToString>) {
        if let Some(value) = value {
            self.add(key, value);
        }
    }

    /// An address with what it is.
    pub fn address(&mut self, key: &str, address: Address, around: Around) -> Line<'_> {
        let line = self.add(key, address);
        match around.name(address) {
            Some(name) => line.remark(name),
            None if address.is_zero() => line.remark("the zero address"),
            None => line,
        }
    }

    pub fn amount(&mut self, key: &str, amount: Amount, around: Around) -> Line<'_> {
        let line = self.add(key, around.money(amount));
        match around.known() {
            Some(_) => line.also(amount),
            None => line,
        }
    }

    /// A point in time, in seconds since 1970. `ends`: what ends then is over.
    pub fn time(&mut self, key: &str, seconds: u64, around: Around, ends: bool) -> Line<'_> {
        let line = self.add(key, show_payment::seconds(seconds)).also(seconds);
        let Some(now) = around.now else { return line };
        let (past, how) = when(seconds, now);
        match (past, ends) {
            (true, true) => line.remark(format!("expired {how}")).weight(WeightView::Warn),
            (false, true) => line.remark(how),
            (true, false) => line,
            (false, false) => {
                line.remark(format!("begins {how}")).weight(match seconds - now.secs() > wallet::EARLY_SECS {
                    true => WeightView::Warn,
                    false => WeightView::Note,
                })
            }
        }
    }

    /// The facts of terms or of a payload.
    pub fn explained(&mut self, facts: &[Explanation], around: Around) {
        for fact in facts {
            let line = match (fact.key, Amount::parse_smallest(&fact.value), Address::parse(&fact.value)) {
                (key, Ok(amount), _) if is_money(key) => self.amount(key, amount, around),
                (key @ ("valid-after" | "valid-before"), Ok(_), _) => {
                    let seconds = fact.value.parse().unwrap_or(u64::MAX);
                    self.time(key, seconds, around, key == "valid-before")
                }
                (key, _, Ok(address)) if fact.value.starts_with('T') => self.address(key, address, around),
                (key, ..) => self.add(key, &fact.value),
            };
            if let Some(remark) = fact.remark {
                let words = find(&format!("remark-{remark}"), &[]).unwrap_or_else(|| remark.replace('-', " "));
                line.also_remark(words).weigh(weight(remark));
            }
        }
    }
}

fn is_money(key: &str) -> bool {
    matches!(
        key,
        "price"
            | "ceiling"
            | "maximum"
            | "fee"
            | "fee-at-most"
            | "deposit"
            | "voucher-total"
            | "refund"
            | "channel-balance"
            | "channel-claimed"
            | "channel-charged"
            | "receive-at-least"
    )
}

/// How heavy a fact's remark is.
fn weight(remark: &str) -> Option<WeightView> {
    match remark {
        "missing" | "never-settles" | "not-in-registry" | "token-has-no-authorization" | "deposit-may-be-lost" => {
            Some(WeightView::Stop)
        }
        "unknown-token" | "older-token" | "superseded" | "unknown-kind" => Some(WeightView::Warn),
        "known-token" => Some(WeightView::Good),
        _ => None,
    }
}

/// The line that was added, for what is to be said beside it.
pub(super) struct Line<'l>(Option<&'l mut LineView>);

impl Line<'_> {
    fn change(mut self, change: impl FnOnce(&mut LineView)) -> Self {
        if let Some(line) = self.0.as_deref_mut() {
            change(line);
        }
        self
    }

    pub fn remark(self, text: impl Into<String>) -> Self {
        let text = quoted(&text.into(), VALUE_MAX);
        self.change(|line| line.remark = Some(text))
    }

    /// Adds to the remark that is there.
    pub fn also_remark(self, text: impl Into<String>) -> Self {
        let text = quoted(&text.into(), VALUE_MAX);
        self.change(|line| {
            line.remark = Some(match line.remark.take() {
                Some(before) => format!("{before}; {text}"),
                None => text,
            });
        })
    }

    pub fn also(self, other: impl ToString) -> Self {
        let other = quoted(&other.to_string(), VALUE_MAX);
        self.change(|line| line.also = Some(other))
    }

    /// A name of the document's own in place of the catalogue's.
    pub fn label(self, name: &str) -> Self {
        let name = quoted(name, LABEL_MAX);
        self.change(|line| line.label = name)
    }

    pub fn help(self, help: Option<String>) -> Self {
        self.change(|line| line.help = help.or(line.help.take()))
    }

    pub fn weight(self, weight: WeightView) -> Self {
        self.weigh(Some(weight))
    }

    pub fn weigh(self, weight: Option<WeightView>) -> Self {
        self.change(|line| line.weight = weight.or(line.weight))
    }
}
