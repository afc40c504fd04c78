//! `tokens`, `settings`: what is set once. What lets more be paid, or longer, takes the passphrase.

use crate::args::{Global, Setting, Settings, TokenAction, TokenAt, Tokens};
use crate::commands::rules::network;
use crate::console::Console;
use crate::exit::Fail;
use crate::reach::Reach;
use crate::show::{self, safe};
use crate::show::{note, say};
use helper::verb::{self, AddToken, RemoveToken, SetAutoLock, SetPermit2, Status};
use view::{StatusView, TokenView};

pub async fn tokens(global: &Global, console: &Console, tokens: Tokens) -> Result<(), Fail> {
    let reach = Reach::owner(global).await?;
    match tokens.action {
        Some(TokenAction::Add(TokenAt { token, network: named })) => {
            let add = |passphrase| AddToken { network: network(&named), token: token.clone(), passphrase };
            let added = reach.prove(console, add).await?;
            match global.json {
                true => show::json(&added),
                false => show::table(&[row(&added)]),
            }
            return Ok(());
        }
        Some(TokenAction::Remove(TokenAt { token, network: named })) => {
            reach.call(RemoveToken { network: network(&named), token }).await?;
        }
        None => {}
    }
    let tokens = reach.call(verb::Tokens {}).await?;
    if global.json {
        show::json(&tokens);
        return Ok(());
    }
    if tokens.is_empty() {
        say!("No token was added: the known ones can be paid in.");
    }
    show::table(&tokens.iter().map(row).collect::<Vec<_>>());
    Ok(())
}

fn row(token: &TokenView) -> Vec<String> {
    vec![
        format!("{} (its own claim)", safe(&token.symbol)),
        format!("{} decimals", token.decimals),
        safe(&token.network),
        safe(&token.token.address),
        format!("added {}", show::time(&token.added_at)),
    ]
}

pub async fn settings(global: &Global, console: &Console, settings: Settings) -> Result<(), Fail> {
    let reach = Reach::owner(global).await?;
    let status = match settings.setting {
        Some(Setting::AutoLock { minutes }) => {
            reach.prove(console, |passphrase| SetAutoLock { minutes, passphrase }).await?
        }
        Some(Setting::Permit2 { set, site }) => {
            let own = Some(set.clone()).filter(|set| site.is_none() || set != "default");
            let set = |passphrase| SetPermit2 { set: own.clone(), site_key: site.clone(), passphrase };
            let status = reach.prove(console, set).await?;
            if let (Some(site), false) = (&site, global.json) {
                note!(
                    "{}: {}",
                    safe(site),
                    own.as_deref()
                        .map_or("follows the general setting".into(), |s| format!("the {} Permit2 set", safe(s)))
                );
            }
            status
        }
        None => reach.call(Status {}).await?,
    };
    told(global, &status);
    Ok(())
}

fn told(global: &Global, status: &StatusView) {
    if global.json {
        return show::json(&serde_json::json!({
            "autoLockMinutes": status.auto_lock_minutes,
            "permit2": status.permit2,
        }));
    }
    let lock = match status.auto_lock_minutes {
        0 => "never by itself".to_owned(),
        1 => "after a minute without use".to_owned(),
        minutes => format!("after {minutes} minutes without use"),
    };
    let mut rows = vec![vec!["auto-lock".to_owned(), lock, String::new()]];
    for set in &status.permit2 {
        let chosen = if set.chosen { "signed for" } else { "" };
        let name = format!("{} {}", safe(&set.name), safe(&set.contract.address));
        rows.push(vec!["permit2".to_owned(), name, chosen.to_owned()]);
    }
    show::table(&rows);
}
