//! `accounts`, `passphrase`, `restore`. A key or the words are shown at a terminal or written to a file that only
//! its owner reads, never into a pipe; and never without the passphrase, typed for that.

use crate::args::{AccountAction, Accounts, Global};
use crate::commands::rules::network;
use crate::console::{Console, Line};
use crate::exit::{self, Fail};
use crate::reach::Reach;
use crate::show::say;
use crate::show::{self, BOLD, OFF, WARN, safe};
use crate::terminal::Counts;
use helper::Verb;
use helper::verb::{
    AccountsOn, AddAccount, ChangePassphrase, ChoosePayer, ExportKeystore, HideAccount, ImportKey, ImportKeystore,
    Payers, PlaceAccount, RemoveAccount, RenameAccount, RestoreWords, RevealKey, RevealWords, Status, UseAccount,
    WatchAccount,
};
use std::io::IsTerminal;
use std::path::Path;
use view::Failure;
use view::{AccountKindView, AccountView, StatusView};

pub async fn accounts(global: &Global, console: &Console, accounts: Accounts) -> Result<(), Fail> {
    let reach = Reach::owner(global).await?;
    let act = Act { global, console, reach: &reach };
    match accounts.action.unwrap_or(AccountAction::List { network: None }) {
        AccountAction::List { network: None } => act.told(&reach.call(Status {}).await?),
        AccountAction::List { network: Some(named) } => {
            act.listed(&reach.call(AccountsOn { network: network(&named) }).await?);
        }
        AccountAction::Add { name } => {
            let name = name.unwrap_or_default();
            act.told(&act.prove(|passphrase| AddAccount { name: name.clone(), passphrase }).await?);
        }
        AccountAction::Import { keystore, name } => act.import(keystore.as_deref(), name.unwrap_or_default()).await?,
        AccountAction::Watch { address, name } => {
            let (account, name) = (address, name.unwrap_or_default());
            let watch = |passphrase| WatchAccount { name: name.clone(), account: account.clone(), passphrase };
            act.told(&act.prove(watch).await?);
        }
        AccountAction::Rename { account, name } => {
            let account = act.find(&account).await?.address.address;
            let rename = |passphrase| RenameAccount { account: account.clone(), name: name.clone(), passphrase };
            act.told(&act.prove(rename).await?);
        }
        AccountAction::Hide { account } => act.hide(&account, true).await?,
        AccountAction::Show { account } => act.hide(&account, false).await?,
        AccountAction::Move { account, place } => {
            let (account, at) = (act.find(&account).await?.address.address, place.saturating_sub(1));
            let place = |passphrase| PlaceAccount { account: account.clone(), at, passphrase };
            act.told(&act.prove(place).await?);
        }
        AccountAction::Remove { account } => act.remove(&account).await?,
        AccountAction::Use { account, app, site } => act.pay_from(account.as_deref(), app, site).await?,
        AccountAction::Payers => act.payers().await?,
        AccountAction::Export { account, keystore, output } => {
            act.export(&account, keystore.as_deref(), output.as_deref()).await?;
        }
        AccountAction::Words => act.words().await?,
    }
    Ok(())
}

struct Act<'a> {
    global: &'a Global,
    console: &'a Console,
    reach: &'a Reach,
}

impl Act<'_> {
    async fn passphrase(&self) -> Result<String, Fail> {
        Ok(self.console.passphrase("Passphrase: ").await?.to_string())
    }

    async fn prove<V: Verb>(&self, verb: impl Fn(Option<String>) -> V) -> Result<V::Output, Fail> {
        self.reach.prove(self.console, verb).await
    }

    /// The account with this address or this name.
    async fn find(&self, text: &str) -> Result<AccountView, Fail> {
        let accounts = self.reach.call(Status {}).await?.accounts;
        let mut same = accounts.into_iter().filter(|a| a.address.address == text || a.name == text);
        same.next().ok_or_else(|| {
            Fail::plain(format!("there is no account {}", safe(text))).advice("`countersign accounts` lists them.")
        })
    }

    fn told(&self, status: &StatusView) {
        self.listed(&status.accounts);
    }

    fn listed(&self, accounts: &[AccountView]) {
        if self.global.json {
            return show::json(&accounts);
        }
        if accounts.is_empty() {
            return say!("There are no accounts yet: countersign init");
        }
        let row = |account: &AccountView| {
            let kind = match account.kind {
                AccountKindView::Derived => "from the words",
                AccountKindView::Imported => "imported",
                AccountKindView::Watched => "watched only",
            };
            let marks = match (account.pays, account.hidden) {
                (true, _) => "pays",
                (_, true) => "hidden",
                _ => "",
            };
            let held = match &account.balance_failure {
                Some(why) => safe(why),
                None => show::monies(&account.balances),
            };
            vec![safe(&account.name), safe(&account.address.address), kind.to_owned(), marks.to_owned(), held]
        };
        show::table(&accounts.iter().map(row).collect::<Vec<_>>());
    }

    async fn import(&self, keystore: Option<&Path>, name: String) -> Result<(), Fail> {
        let fresh = self.reach.call(Status {}).await?.empty;
        let status = match keystore {
            Some(path) => {
                let text = wallet::read_keystore(path).map_err(Failure::from)?;
                let its = self.console.passphrase("Passphrase of the keystore: ").await?;
                let passphrase = self.own(fresh).await?;
                self.console.show("Opening the keystore; its own settings say how long that takes …");
                let verb = ImportKeystore {
                    name,
                    keystore: text.to_string(),
                    its_passphrase: its.to_string(),
                    passphrase: passphrase.to_string(),
                };
                self.reach.call(verb).await?
            }
            None => {
                let key = match Console::is_terminal() {
                    // Not shown while typed: the key is the money.
                    true => self.console.passphrase("The private key, 64 hex digits: ").await?,
                    false => self.console.line("", Counts::All).await?,
                };
                wallet::read_key(&key).map_err(Failure::from)?;
                let passphrase = self.own(fresh).await?;
                self.reach.call(ImportKey { name, key: key.to_string(), passphrase: passphrase.to_string() }).await?
            }
        };
        self.told(&status);
        if !self.global.json {
            say!("An imported key is in no words: keep a backup of its own (countersign accounts export).");
        }
        Ok(())
    }

    /// The wallet's passphrase; a new one where the import makes the wallet.
    async fn own(&self, fresh: bool) -> Result<Line, Fail> {
        match fresh {
            true => self.console.new_passphrase().await,
            false => self.console.passphrase("Passphrase of this wallet: ").await,
        }
    }

    async fn hide(&self, account: &str, hidden: bool) -> Result<(), Fail> {
        let account = self.find(account).await?.address.address;
        let hide = |passphrase| HideAccount { account: account.clone(), hidden, passphrase };
        self.told(&self.prove(hide).await?);
        Ok(())
    }

    async fn remove(&self, account: &str) -> Result<(), Fail> {
        let found = self.find(account).await?;
        if found.kind == AccountKindView::Imported {
            let address = safe(&found.address.address);
            self.console.show(&format!(
                "{WARN}The key of {address} is in no words. Without a backup of its own, what it holds is lost.{OFF}"
            ));
        }
        if !self.console.yes(&format!("Remove \"{}\"?", safe(&found.name))).await? {
            return Err(Fail::of(exit::Status::Refused, "nothing was removed"));
        }
        let verb = RemoveAccount { account: found.address.address, passphrase: self.passphrase().await? };
        self.told(&self.reach.call(verb).await?);
        Ok(())
    }

    async fn pay_from(&self, account: Option<&str>, app: Option<String>, site: Option<String>) -> Result<(), Fail> {
        let account = match account {
            Some(text) => Some(self.find(text).await?.address.address),
            None => None,
        };
        match (app, account) {
            (Some(app_id), account) => {
                let choose = |passphrase| {
                    let (app_id, site_key, account) = (app_id.clone(), site.clone(), account.clone());
                    ChoosePayer { app_id, site_key, account, passphrase }
                };
                self.prove(choose).await?;
                self.payers().await
            }
            (None, Some(account)) => {
                let choose = |passphrase| UseAccount { account: account.clone(), passphrase };
                self.told(&self.prove(choose).await?);
                Ok(())
            }
            (None, None) => Err(Fail::plain("name an account, or an app with --app")),
        }
    }

    async fn payers(&self) -> Result<(), Fail> {
        let payers = self.reach.call(Payers {}).await?;
        if self.global.json {
            show::json(&payers);
            return Ok(());
        }
        if payers.is_empty() {
            say!("Nothing was chosen: the account marked \"pays\" pays for every app.");
        }
        let row = |p: &view::PayerView| {
            let site = p.site_key.as_deref().map_or("all sites".to_owned(), safe);
            vec![safe(&p.app_name), p.app_id.clone(), site, safe(&p.account_name), p.account.clone()]
        };
        show::table(&payers.iter().map(row).collect::<Vec<_>>());
        Ok(())
    }

    async fn export(&self, account: &str, keystore: Option<&Path>, output: Option<&Path>) -> Result<(), Fail> {
        if keystore.is_none() && output.is_none() {
            shown_to_a_person()?;
        }
        for path in keystore.iter().chain(&output) {
            if path.exists() {
                let path = safe(&path.display().to_string());
                return Err(Fail::plain(format!("{path} exists already: it is never replaced")));
            }
        }
        let account = self.find(account).await?.address.address;
        let passphrase = self.passphrase().await?;
        match (keystore, output) {
            (Some(path), _) => {
                self.console.show("The keystore gets a passphrase of its own.");
                let new = self.console.new_passphrase().await?.to_string();
                let text = self.reach.call(ExportKeystore { account, passphrase, new }).await?;
                write(path, &text)?;
            }
            (None, Some(path)) => {
                let key = Line::new(self.reach.call(RevealKey { account, passphrase }).await?);
                write(path, &key)?;
            }
            (None, None) => {
                let key = Line::new(self.reach.call(RevealKey { account, passphrase }).await?);
                say!("{BOLD}Whoever sees this has the money.{OFF}\n{}", key.as_str());
            }
        }
        Ok(())
    }

    async fn words(&self) -> Result<(), Fail> {
        shown_to_a_person()?;
        let words = self.reach.call(RevealWords { passphrase: self.passphrase().await? }).await?;
        say!("{BOLD}Whoever sees these has the money.{OFF}\n");
        for row in show::words(&words.words) {
            say!("{row}");
        }
        Ok(())
    }
}

/// A pipe ends in a file or a log.
fn shown_to_a_person() -> Result<(), Fail> {
    match std::io::stdout().is_terminal() {
        true => Ok(()),
        false => Err(Fail::plain("this is shown at a terminal only")
            .advice("Run it in a terminal, or name a file: `countersign accounts export ACCOUNT --keystore FILE`.")),
    }
}

/// Readable by its owner alone; replaces nothing.
fn write(path: &Path, text: &str) -> Result<(), Fail> {
    let shown = safe(&path.display().to_string());
    wallet::write_private(path, text.as_bytes()).map_err(|e| Fail::plain(format!("{shown}: {e}")))?;
    say!("Written to {shown}, readable by you alone.");
    Ok(())
}

pub async fn passphrase(global: &Global, console: &Console) -> Result<(), Fail> {
    let reach = Reach::owner(global).await?;
    let current = console.passphrase("Passphrase until now: ").await?.to_string();
    let new = console.new_passphrase().await?.to_string();
    reach.call(ChangePassphrase { current, new }).await?;
    say!("The passphrase is changed. The words and all accounts are the same.");
    Ok(())
}

pub async fn restore(global: &Global, console: &Console) -> Result<(), Fail> {
    let reach = Reach::owner(global).await?;
    let words = console.words("The words of this wallet (an empty line ends them): ").await?;
    let passphrase = console.new_passphrase().await?.to_string();
    let restored = reach.call(RestoreWords { words: words.to_string(), passphrase }).await?;
    if global.json {
        show::json(&restored);
        return Ok(());
    }
    say!("The wallet opens with the new passphrase; the ledger is as it was.");
    say!("The old file is kept as {}.", safe(&restored.kept));
    if restored.status.accounts.iter().any(|a| a.kind == AccountKindView::Watched) {
        say!("Keys that were imported are in no words: they are in the old file alone, and watched here until you");
        say!("import them again.");
    }
    Ok(())
}
