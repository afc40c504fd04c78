//! `limits`, `apps`, `pairings`: who may ask, and who may pay how much without asking.

use crate::args::{AppAction, Apps, Global, LimitAction, Limits, PairingAction, Pairings, RuleFor};
use crate::console::Console;
use crate::exit::Fail;
use crate::reach::Reach;
use crate::show::say;
use crate::show::{self, safe};
use helper::verb::{self, AnswerPairing, Questions, RejectApp, RemoveRule, RevokeApp, Rules, SetRule};
use view::{CoversView, ModeView, RuleInput};

pub async fn limits(global: &Global, console: &Console, limits: Limits) -> Result<(), Fail> {
    let reach = Reach::owner(global).await?;
    let input = |rule: RuleFor, mode: ModeView| RuleInput {
        app_id: rule.app,
        site_key: rule.site,
        network: network(&rule.network),
        token: rule.token,
        mode,
    };
    let set =
        async |rule: RuleInput| reach.prove(console, |passphrase| SetRule { passphrase, rule: rule.clone() }).await;
    match limits.action {
        Some(LimitAction::Set { rule, per_payment, per_day, per_month, verified_only }) => {
            let covers = if verified_only { CoversView::VerifiedOnly } else { CoversView::ClaimedAndVerified };
            let mode = ModeView::Allow { per_payment, per_day, per_month, covers };
            set(input(rule, mode)).await?;
        }
        Some(LimitAction::Ask { rule }) => set(input(rule, ModeView::Ask)).await?,
        Some(LimitAction::Block { rule }) => set(input(rule, ModeView::Block)).await?,
        Some(LimitAction::Remove { rule }) => {
            let RuleFor { app, site, network: named, token } = rule;
            let remove = |passphrase| {
                let (app_id, site_key, token) = (app.clone(), site.clone(), token.clone());
                RemoveRule { app_id, site_key, network: network(&named), token, passphrase }
            };
            reach.prove(console, remove).await?;
        }
        None => {
            let rules = reach.call(Rules {}).await?;
            if global.json {
                show::json(&rules);
                return Ok(());
            }
            if rules.is_empty() {
                say!("No limits: every payment asks.");
            }
            show::table(&rules.iter().map(show::rule).collect::<Vec<_>>());
            for bar in rules.iter().flat_map(|rule| &rule.bars) {
                say!("{}", show::bar(bar));
            }
        }
    }
    Ok(())
}

/// A network by its short name or by its CAIP-2 name.
pub(super) fn network(name: &str) -> String {
    if name.contains(':') { name.to_owned() } else { format!("tron:{name}") }
}

pub async fn apps(global: &Global, apps: Apps) -> Result<(), Fail> {
    let reach = Reach::owner(global).await?;
    match apps.action {
        Some(AppAction::Revoke { id }) => return Ok(reach.call(RevokeApp { id }).await?),
        Some(AppAction::Reject { id }) => return reject(global, &reach, &id).await,
        None => {}
    }
    let apps = reach.call(verb::Apps {}).await?;
    if global.json {
        show::json(&apps);
        return Ok(());
    }
    let row = |app: &view::AppView| {
        let seen =
            app.last_seen.as_deref().map_or_else(|| "never seen".to_owned(), |at| format!("seen {}", show::time(at)));
        let revoked = if app.revoked { "revoked" } else { "" };
        vec![app.id.clone(), safe(&app.name), seen, format!("{} payments", app.payments), revoked.to_owned()]
    };
    match apps.is_empty() {
        true => say!("No apps are paired."),
        false => show::table(&apps.iter().map(row).collect::<Vec<_>>()),
    }
    Ok(())
}

/// No to every question of an app at once.
async fn reject(global: &Global, reach: &Reach, app: &str) -> Result<(), Fail> {
    let questions = reach.call(Questions {}).await?;
    let ended = match questions.into_iter().find(|question| question.app_id == app) {
        Some(question) => reach.call(RejectApp { id: question.id }).await?,
        None => 0,
    };
    match (global.json, ended) {
        (true, _) => show::json(&ended),
        (false, 0) => say!("No question of this app is open."),
        (false, ended) => say!("Refused {ended}; nothing left."),
    }
    Ok(())
}

pub async fn pairings(global: &Global, console: &Console, pairings: Pairings) -> Result<(), Fail> {
    let reach = Reach::owner(global).await?;
    let open = reach.call(verb::Pairings {}).await?;
    let (code, approve) = match pairings.action {
        Some(PairingAction::Approve { code }) => (code, true),
        Some(PairingAction::Reject { code }) => (code, false),
        None => {
            if global.json {
                show::json(&open);
                return Ok(());
            }
            let row = |p: &view::PairingView| {
                vec![p.code.clone(), safe(&p.name), format!("until {}", show::time(&p.expires_at))]
            };
            match open.is_empty() {
                true => say!("No app asks to be paired."),
                false => show::table(&open.iter().map(row).collect::<Vec<_>>()),
            }
            return Ok(());
        }
    };
    // The code, not a number in a list: comparing it is the point.
    let mut same = open.into_iter().filter(|p| p.code.eq_ignore_ascii_case(code.trim()));
    match (same.next(), same.next()) {
        (Some(pairing), None) => {
            let answer = |passphrase| AnswerPairing { id: pairing.id.clone(), approve, passphrase };
            reach.prove(console, answer).await
        }
        _ => Err(Fail::plain("no app shows this code").advice("`countersign pairings` lists the open ones.")),
    }
}
