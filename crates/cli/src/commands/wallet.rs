//! `init`, `unlock`, `lock`, `status`. New words are shown and three are asked back before anything is written.

use crate::args::{self, Global, Init};
use crate::commands::keyring;
use crate::console::Console;
use crate::exit::Fail;
use crate::reach::Reach;
use crate::show::{self, BOLD, OFF, WARN, safe};
use crate::show::{note, say};
use crate::terminal::Counts;
use helper::verb::{ConfirmWords, DiscardWords, ImportWords, Lock, NewWords, Status, Unlock, UnlockRemembered};
use view::{Code, NewWordsView, StatusView};

pub async fn init(global: &Global, console: &Console, init: Init) -> Result<(), Fail> {
    let reach = Reach::owner(global).await?;
    if !reach.call(Status {}).await?.empty {
        return Err(Fail::plain("there is a wallet here already")
            .advice("Name another --profile or --data-dir for a second one."));
    }
    let status = match init.import {
        true => {
            let words = console.words("The words (an empty line ends them): ").await?;
            let passphrase = console.new_passphrase().await?;
            reach.call(ImportWords { words: words.to_string(), passphrase: passphrase.to_string() }).await?
        }
        false => {
            let count = if init.words == "24" { 24 } else { 12 };
            let new = reach.call(NewWords { count }).await?;
            console
                .show(&format!("{BOLD}These words are your money. Write them on paper: without it and this computer the money is lost.{OFF}\n"));
            for row in show::words(&new.words) {
                console.show(&row);
            }
            console.show("");
            match confirm(&reach, console, &new).await {
                Ok(status) => status,
                Err(fail) => {
                    reach.call(DiscardWords {}).await?;
                    return Err(fail);
                }
            }
        }
    };
    made(global, &status);
    Ok(())
}

/// Asks words back until they are right, three times each at most, then makes the wallet.
async fn confirm(reach: &Reach, console: &Console, new: &NewWordsView) -> Result<StatusView, Fail> {
    let mut answers = Vec::new();
    for position in &new.ask {
        let right = usize::try_from(*position).ok().and_then(|n| new.words.get(n.checked_sub(1)?));
        let mut tries = 3;
        let answer = loop {
            let answer = console.line(&format!("Word {position}: "), Counts::FromNow).await?.trim().to_lowercase();
            tries -= 1;
            if tries == 0 || Some(&answer) == right {
                break answer;
            }
            console.show("That is not the word on your paper.");
        };
        answers.push(answer);
    }
    let passphrase = console.new_passphrase().await?;
    loop {
        let call = ConfirmWords { answers: answers.clone(), passphrase: passphrase.to_string() };
        let failure = match reach.call(call).await {
            // It says what to do where it kept the words: what is wrong with the answers comes without.
            Err(failure) if failure.code == Code::VaultUnusable && failure.advice.is_some() => failure,
            done => return Ok(done?),
        };
        // The words are on paper and confirmed: a disk that is full must not make them worthless.
        if !Console::is_terminal() {
            return Err(Fail::from(failure).advice(
                "Nothing was written. The words on your paper are good: once it is mended, `countersign init --import` takes them.",
            ));
        }
        note!("{WARN}{}{OFF}", safe(&failure.message));
        if !console.yes("Try again with the same words?").await? {
            return Err(Fail::from(failure).advice(
                "Nothing was written. The words on your paper are good: `countersign init --import` takes them later.",
            ));
        }
    }
}

fn made(global: &Global, status: &StatusView) {
    if global.json {
        return show::json(status);
    }
    say!("The wallet is in {}", safe(&status.data_dir));
    for account in &status.accounts {
        say!("{}  {}", safe(&account.name), safe(&account.address.address));
    }
    say!("Next: countersign serve, or countersign pay URL");
}

/// The running owner; unlocking what nobody holds open would have no effect.
async fn running(global: &Global) -> Result<Reach, Fail> {
    match Reach::running(global).await? {
        Some(client) => Ok(Reach::There(client)),
        None => {
            Err(Fail::plain("no Countersign runs for this profile").advice("Start the app, or `countersign serve`."))
        }
    }
}

pub async fn unlock(global: &Global, console: &Console, how: args::Unlock) -> Result<(), Fail> {
    let reach = running(global).await?;
    if how.keyring {
        told(global, &reach.call(UnlockRemembered {}).await?);
        return Ok(());
    }
    let passphrase = console.passphrase("Passphrase: ").await?;
    let status = reach.call(Unlock { passphrase: passphrase.to_string() }).await?;
    told(global, &status);
    Ok(())
}

pub async fn lock(global: &Global) -> Result<(), Fail> {
    let status = running(global).await?.call(Lock {}).await?;
    told(global, &status);
    Ok(())
}

pub async fn status(global: &Global) -> Result<(), Fail> {
    let reach = Reach::owner(global).await?;
    let status = reach.call(Status {}).await?;
    let process = match &reach {
        Reach::There(client) => client.pid(),
        _ => None,
    };
    shown(global, &status, process);
    Ok(())
}

fn told(global: &Global, status: &StatusView) {
    shown(global, status, None);
}

fn shown(global: &Global, status: &StatusView, process: Option<u32>) {
    if global.json {
        return show::json(status);
    }
    let play = if status.practice { ", play money" } else { "" };
    let state = match (status.empty, status.locked) {
        (true, _) => "no wallet yet: countersign init",
        (_, true) => "locked",
        _ => "unlocked",
    };
    let port = status.port.as_deref().map_or("not running".to_owned(), |port| format!("listening on {}", safe(port)));
    let mut rows = vec![
        vec!["profile".into(), format!("{} ({}{play})", safe(&status.profile), safe(&status.network))],
        vec!["folder".into(), safe(&status.data_dir)],
        vec!["wallet".into(), state.to_owned()],
        vec!["port".into(), port],
        vec!["questions".into(), status.open_questions.to_string()],
        vec!["pairings".into(), status.open_pairings.to_string()],
    ];
    if let Some(process) = process {
        rows.push(vec!["process".into(), process.to_string()]);
    }
    for account in &status.accounts {
        let balances = match &account.balance_failure {
            Some(why) => safe(why),
            None => show::monies(&account.balances),
        };
        rows.push(vec![safe(&account.name), format!("{}  {balances}", safe(&account.address.address))]);
    }
    if !status.empty {
        rows.push(vec!["unlock".into(), keyring::way(&status.remembered).to_owned()]);
    }
    if let Some(problem) = &status.remembered.problem {
        rows.push(vec!["keyring".into(), safe(problem)]);
    }
    if status.wrong_passphrases > 0 {
        let wait = match status.passphrase_wait {
            0 => String::new(),
            seconds => format!("; the next one is taken in {seconds} s"),
        };
        rows.push(vec!["passphrase".into(), format!("{} wrong in a row{wait}", status.wrong_passphrases)]);
    }
    if let Some(failure) = &status.ledger_failure {
        rows.push(vec!["ledger".into(), format!("takes no rows, nothing is signed: {}", safe(failure))]);
    }
    rows.extend(status.clock.as_ref().map(|clock| vec!["clock".into(), safe(clock)]));
    rows.extend(status.record.as_ref().map(|record| vec!["record".into(), safe(record)]));
    show::table(&rows);
}
