//! A finding as bytes for the digest: its weight, its name and every figure that it carries. A fact that gets another
//! figure does not compile here before the digest covers it.

use crate::{Chosen, EarlierOutcome, Fact, Finding, Role, Weight};

/// Calls `add` for each part, always the same ones in the same order.
pub(crate) fn each_part(finding: &Finding, add: &mut dyn FnMut(&[u8])) {
    let weight: &[u8] = match finding.weight {
        Weight::Good => b"good",
        Weight::Note => b"note",
        Weight::Warn => b"warn",
        Weight::Stop => b"stop",
    };
    add(weight);
    add(finding.fact.code().as_bytes());
    figures(&finding.fact, add);
}

fn figures(fact: &Fact, add: &mut dyn FnMut(&[u8])) {
    match fact {
        Fact::AllKnown
        | Fact::PayeeFirstSeen
        | Fact::TokenOlder
        | Fact::NothingPaid
        | Fact::ChainUnknown
        | Fact::TestMoney
        | Fact::CallerMissing
        | Fact::TokenCannotAuthorize
        | Fact::OtherKeys
        | Fact::TokenPaused
        | Fact::PayerBlocked
        | Fact::NonceUsed => {}
        Fact::PayeeKnown { times, since } | Fact::PayeeNewHere { times, since } => {
            add(&times.to_be_bytes());
            add(&since.0.to_be_bytes());
        }
        Fact::RecipientFirstSeen { role, address } => {
            add(name(*role));
            add(address.bytes());
        }
        Fact::RecipientNewHere { role, address, times } => {
            add(name(*role));
            add(address.bytes());
            add(&times.to_be_bytes());
        }
        Fact::RecipientChanged { role, address, before, times } => {
            add(name(*role));
            add(address.bytes());
            add(before.bytes());
            add(&times.to_be_bytes());
        }
        Fact::RecipientLooksLike { role, address, known } => {
            add(name(*role));
            add(address.bytes());
            add(known.bytes());
        }
        Fact::SiteResembles { known } | Fact::SiteOtherPort { known } => add(known.as_bytes()),
        Fact::PayeeChanged { before, times } => {
            add(before.bytes());
            add(&times.to_be_bytes());
        }
        Fact::PayeeLooksLike { known } => add(known.bytes()),
        Fact::TokenLooksLike { known, symbol } => {
            add(known.bytes());
            add(symbol.as_bytes());
        }
        Fact::TokenUnknown { claimed_symbol, claimed_decimals, real } => {
            maybe(claimed_symbol.as_ref().map(String::as_bytes), add);
            maybe(claimed_decimals.as_ref().map(std::slice::from_ref), add);
            maybe(real.as_ref().map(|real| real.bytes().as_slice()), add);
        }
        Fact::DecimalsClaimed { claimed, real } => {
            add(&claimed.to_be_bytes());
            add(&[*real]);
        }
        Fact::FeeShare { fee, price, percent } => {
            add(&fee.to_be_bytes());
            add(&price.to_be_bytes());
            add(&percent.to_be_bytes());
        }
        Fact::PriceAboveUsual { usual, now } => {
            add(&usual.to_be_bytes());
            add(&now.to_be_bytes());
        }
        Fact::DeadlineFar { seconds } | Fact::NotYetValid { seconds } | Fact::RecordAhead { seconds } => {
            add(&seconds.to_be_bytes())
        }
        Fact::DeadlinePassed { seconds_ago } => add(&seconds_ago.to_be_bytes()),
        Fact::ClockOff { seconds, ahead } => {
            add(&seconds.to_be_bytes());
            add(&[u8::from(*ahead)]);
        }
        Fact::TrxShort { need, have } => {
            add(&need.to_be_bytes());
            add(&have.to_be_bytes());
        }
        Fact::AccountNotActive { need } => add(&need.to_be_bytes()),
        Fact::TransferFails { reason } => add(reason.as_bytes()),
        Fact::ResourceElsewhere { claimed } => add(claimed.as_bytes()),
        Fact::AllowanceMissing { have, need } | Fact::BalanceShort { have, need } => {
            add(&have.to_be_bytes());
            add(&need.to_be_bytes());
        }
        Fact::Permit2Refused { set, other } => {
            add(set.as_bytes());
            add(other.as_bytes());
        }
        Fact::Permit2Changed { set, before } => {
            add(set.as_bytes());
            add(before.as_bytes());
        }
        Fact::ContractUnknown { contract } | Fact::ContractSuperseded { contract } => add(contract.bytes()),
        Fact::DomainDiffers { claimed_name, claimed_version, name, version } => {
            add(claimed_name.as_bytes());
            add(claimed_version.as_bytes());
            maybe(name.as_ref().map(String::as_bytes), add);
            maybe(version.as_ref().map(String::as_bytes), add);
        }
        Fact::PaidJustNow { seconds_ago, payment, earlier } => {
            add(&seconds_ago.to_be_bytes());
            add(payment.as_bytes());
            add(match earlier {
                EarlierOutcome::Unknown => b"unknown",
                EarlierOutcome::Refused => b"refused",
                EarlierOutcome::Paid => b"paid",
            });
        }
        Fact::AskedToo { seconds_ago, payment, same_app } => {
            add(&seconds_ago.to_be_bytes());
            add(payment.as_bytes());
            add(&[u8::from(*same_app)]);
        }
        Fact::OptionChosen { why, options } => {
            add(match why {
                Chosen::OnlyOne => b"only one",
                Chosen::Preferred => b"preferred",
                Chosen::Cheapest => b"cheapest",
                Chosen::Person => b"person",
            });
            add(&options.to_be_bytes());
        }
    }
}

const fn name(role: Role) -> &'static [u8] {
    match role {
        Role::Payee => b"payee",
        Role::Fee => b"fee",
        Role::Caller => b"caller",
    }
}

/// Nothing differs from an empty text.
fn maybe(part: Option<&[u8]>, add: &mut dyn FnMut(&[u8])) {
    match part {
        Some(part) => {
            add(b"some");
            add(part);
        }
        None => add(b"none"),
    }
}
