//! The desk's part about accounts: what they hold, which one pays for whom, adding, importing, showing and
//! restoring them. Decides nothing by itself and keeps no secret longer than the call.

use crate::desk::{Answer, name_of, site_key};
use crate::port::AppAccountView;
use crate::question::quoted;
use crate::show_failure;
use crate::show_payment::{app_name, time};
use crate::words::{Arg, say};
use crate::*;
use std::time::Duration;
use tron::{Address, Network};
use vault::{Account, Kind};
use wallet::{AppId, Import, Passphrase, Remembering};
use zeroize::Zeroizing;

/// The status waits so long for a node; without an answer it goes without balances. Longer than a node that turns
/// questions away is asked again, so that its word can be told.
const BALANCE_WAIT: Duration = Duration::from_secs(7);

fn address(text: &str) -> Answer<Address> {
    let text = text.trim();
    Address::parse(text).map_err(|e| Failure::field("address", "an account's address", &format!("{text} ({e})")))
}

/// What the accounts are, and which one pays.
impl Desk {
    /// In their owner's order, with balances as far as a node answers.
    pub(crate) async fn account_views(&self) -> Vec<AccountView> {
        self.account_views_on(self.wallet.home()).await
    }

    /// The same with what they hold on a network that is named.
    pub async fn accounts_on(&self, network: &str) -> Answer<Vec<AccountView>> {
        let network = Network::parse(network).map_err(|e| Failure::field("network", "a TRON network", &e.found))?;
        let mut views = self.account_views_on(network).await;
        for money in views.iter_mut().flat_map(|view| &mut view.balances) {
            money.test = network.is_test();
        }
        Ok(views)
    }

    async fn account_views_on(&self, network: Network) -> Vec<AccountView> {
        let pays = self.wallet.default_account().await.ok();
        let views = self.wallet.accounts().into_iter().map(|account| self.account_view(account, pays, network));
        futures::future::join_all(views).await
    }

    async fn account_view(&self, account: Account, pays: Option<Address>, network: Network) -> AccountView {
        let read = tokio::time::timeout(BALANCE_WAIT, self.wallet.balances(account.address, network)).await;
        let (balances, balance_failure) = match read {
            Ok(Ok((trx, tokens))) => {
                let tokens = tokens.into_iter().map(|(t, a)| MoneyView::of(a, t.symbol, t.decimals, true));
                (std::iter::once(MoneyView::sun(trx)).chain(tokens).collect(), None)
            }
            Ok(Err(e)) if e.is_node_limit() => (vec![], Some(say("balance-limited", &[]))),
            Ok(Err(e)) if e.is_node_busy() => (vec![], Some(say("balance-busy", &[]))),
            Ok(Err(e)) if e.is_node_away() => (vec![], Some(say("balance-late", &[]))),
            Ok(Err(e)) => {
                let why = quoted(&e.to_string(), 200);
                (vec![], Some(say("balance-unknown", &[("why", Arg::Text(&why))])))
            }
            Err(_) => (vec![], Some(say("balance-late", &[]))),
        };
        AccountView {
            name: account.name,
            kind: match account.kind {
                Kind::Derived { .. } => AccountKindView::Derived,
                Kind::Imported => AccountKindView::Imported,
                Kind::Watched => AccountKindView::Watched,
            },
            hidden: account.hidden,
            pays: pays == Some(account.address),
            address: AddressView::of(account.address),
            balances,
            balance_failure,
        }
    }

    /// For an app: the account that pays for it, then those that were chosen for it on single sites.
    pub async fn accounts(&self, app: &AppId) -> Answer<Vec<AppAccountView>> {
        let networks: Vec<String> = self.wallet.networks().iter().map(|n| n.canonical().to_owned()).collect();
        let mut addresses = match self.wallet.payer_of_app(app).await {
            Ok(address) => vec![address],
            // Nothing to pay with is an empty list, not a failure.
            Err(wallet::WalletError::NoAccount | wallet::WalletError::Vault(_)) => vec![],
            Err(e) => return Err(e.into()),
        };
        for choice in self.wallet.payers().await?.into_iter().filter(|c| c.app == *app) {
            if !addresses.contains(&choice.account) {
                addresses.push(choice.account);
            }
        }
        let view = |a: Address| AppAccountView { address: a.to_string(), networks: networks.clone() };
        Ok(addresses.into_iter().map(view).collect())
    }

    /// Which account was chosen for which app and site.
    pub async fn payers(&self) -> Answer<Vec<PayerView>> {
        let (apps, accounts) = (self.wallet.apps().await?, self.wallet.accounts());
        let name = |address| accounts.iter().find(|a| a.address == address).map_or(String::new(), |a| a.name.clone());
        let payers = self.wallet.payers().await?.into_iter().map(|choice| PayerView {
            app_name: app_name(&choice.app, name_of(&apps, &choice.app)),
            app_id: choice.app.0,
            site_key: choice.site.map(|site| site.to_string()),
            account: choice.account.to_string(),
            account_name: name(choice.account),
        });
        Ok(payers.collect())
    }

    /// Whether a choice of the payer can be made as it is written.
    pub fn check_payer(&self, site: Option<&str>, account: Option<&str>) -> Answer<()> {
        site.map(site_key).transpose()?;
        account.map_or(Ok(()), |account| self.check_account(account))
    }

    /// Whether this is an account's address.
    pub fn check_account(&self, account: &str) -> Answer<()> {
        address(account).map(drop)
    }

    /// Chooses the account that pays for an app, on all sites or on one; without an account the choice is taken
    /// back.
    pub async fn choose_payer(&self, app: &str, site: Option<&str>, account: Option<&str>) -> Answer<()> {
        let (site, account) = (site.map(site_key).transpose()?, account.map(address).transpose()?);
        Ok(self.wallet.choose_payer(&AppId(app.to_owned()), site.as_ref(), account).await?)
    }

    /// The account that pays where nothing else was chosen.
    pub async fn use_account(&self, account: &str) -> Answer<StatusView> {
        self.wallet.set_default_account(address(account)?).await?;
        Ok(self.status().await)
    }
}

/// Changing them, for the passphrase. A locked wallet stays locked.
impl Desk {
    /// The next account of the words; an empty name numbers it.
    pub async fn add_account(&self, name: &str, passphrase: Passphrase) -> Answer<StatusView> {
        self.wallet.add_account(name, passphrase).await?;
        Ok(self.status().await)
    }

    pub async fn watch_account(&self, name: &str, account: &str, passphrase: Passphrase) -> Answer<StatusView> {
        self.wallet.watch_account(name, address(account)?, passphrase).await?;
        Ok(self.status().await)
    }

    /// A private key in hex, sealed under the wallet's passphrase; where there is no wallet yet it becomes one.
    pub async fn import_key(&self, name: &str, key: String, passphrase: String) -> Answer<StatusView> {
        let import = Import::Key(Zeroizing::new(key));
        self.wallet.import_account(name, import, Passphrase::new(passphrase)).await?;
        Ok(self.status().await)
    }

    /// Judges what a person brings before a passphrase is asked for it; the count of words where it is words.
    pub async fn check_import(&self, what: BroughtView, text: String) -> Answer<Option<u32>> {
        let text = Zeroizing::new(text);
        match what {
            BroughtView::Words => Ok(u32::try_from(wallet::read_words(&text)?).ok()),
            BroughtView::Key => Ok(wallet::read_key(&text).map(|_| None)?),
            BroughtView::Keystore => Ok(wallet::check_keystore(&text).map(|()| None)?),
        }
    }

    /// A keystore file of version 3, with the passphrase that it has.
    pub async fn import_keystore(
        &self,
        name: &str,
        keystore: String,
        its_passphrase: String,
        passphrase: String,
    ) -> Answer<StatusView> {
        let (file, own) = (Zeroizing::new(keystore), Passphrase::new(its_passphrase));
        let import = Import::Keystore { file, passphrase: own };
        self.wallet.import_account(name, import, Passphrase::new(passphrase)).await?;
        Ok(self.status().await)
    }

    pub async fn rename_account(&self, account: &str, name: &str, passphrase: Passphrase) -> Answer<StatusView> {
        self.wallet.rename_account(address(account)?, name, passphrase).await?;
        Ok(self.status().await)
    }

    pub async fn hide_account(&self, account: &str, hidden: bool, passphrase: Passphrase) -> Answer<StatusView> {
        self.wallet.hide_account(address(account)?, hidden, passphrase).await?;
        Ok(self.status().await)
    }

    /// To a place in the list, from 0.
    pub async fn place_account(&self, account: &str, at: u32, passphrase: Passphrase) -> Answer<StatusView> {
        let at = usize::try_from(at).unwrap_or(usize::MAX);
        self.wallet.place_account(address(account)?, at, passphrase).await?;
        Ok(self.status().await)
    }

    /// Forgets an imported or watched account; an imported key is gone with it.
    pub async fn remove_account(&self, account: &str, passphrase: String) -> Answer<StatusView> {
        self.wallet.remove_account(address(account)?, Passphrase::new(passphrase)).await?;
        Ok(self.status().await)
    }
}

/// With the keyring of this computer; what it can't do the passphrase does.
impl Desk {
    pub(crate) fn remembered(&self) -> RememberedView {
        let way = match self.wallet.remembering() {
            Remembering::Never => RememberedWay::Never,
            Remembering::WhenAsked => RememberedWay::WhenAsked,
            Remembering::AtStart => RememberedWay::AtStart,
        };
        RememberedView { way, problem: self.wallet.keyring_trouble().map(|e| show_failure::of_keyring(&e)) }
    }

    pub async fn unlock_remembered(&self) -> Answer<StatusView> {
        self.wallet.unlock_remembered().await?;
        Ok(self.status().await)
    }

    pub async fn forget_unlock(&self) -> Answer<StatusView> {
        self.wallet.forget_unlock().await?;
        Ok(self.status().await)
    }
}

/// For the passphrase alone.
impl Desk {
    /// The words once more.
    pub async fn reveal_words(&self, passphrase: String) -> Answer<WordsView> {
        let words = self.wallet.reveal_words(Passphrase::new(passphrase)).await?;
        Ok(WordsView { words: (0..words.len()).filter_map(|i| words.word(i).map(str::to_owned)).collect() })
    }

    /// The private key of an account: 64 hex digits.
    pub async fn reveal_key(&self, account: &str, passphrase: String) -> Answer<String> {
        Ok(self.wallet.reveal_key(address(account)?, Passphrase::new(passphrase)).await?.as_str().to_owned())
    }

    /// A keystore file of version 3 as text, under a passphrase of its own.
    pub async fn export_keystore(&self, account: &str, passphrase: String, new: String) -> Answer<String> {
        let (passphrase, new) = (Passphrase::new(passphrase), Passphrase::new(new));
        Ok(self.wallet.export_keystore(address(account)?, passphrase, new).await?)
    }

    /// The same as a file that only its owner reads, in the downloads folder; answers where.
    pub async fn save_keystore(&self, account: &str, passphrase: String, new: String) -> Answer<String> {
        let short = address(account)?.to_string();
        let text = self.export_keystore(account, passphrase, new).await?;
        let stamp = time(self.wallet.now()).replace(':', "");
        let failed = |reason: String| Failure::field("file", "a place to write to", &reason);
        let dir = wallet::export_dir().ok_or_else(|| failed("no home folder".to_owned()))?;
        let path = dir.join(format!("countersign-{short}-{stamp}.json"));
        wallet::write_private(&path, text.as_bytes()).map_err(|e| failed(format!("{}: {e}", path.display())))?;
        Ok(path.display().to_string())
    }

    /// Lets the keyring of this computer remember the unlock.
    pub async fn remember_unlock(&self, passphrase: String, at_start: bool) -> Answer<StatusView> {
        self.wallet.remember_unlock(Passphrase::new(passphrase), at_start).await?;
        Ok(self.status().await)
    }

    pub async fn change_passphrase(&self, current: String, new: String) -> Answer<StatusView> {
        self.wallet.change_passphrase(Passphrase::new(current), Passphrase::new(new)).await?;
        Ok(self.status().await)
    }

    /// A lost passphrase: the wallet's own words give the vault anew under another one; the ledger stays.
    pub async fn restore_words(&self, words: String, passphrase: String) -> Answer<RestoredView> {
        let words = Zeroizing::new(words);
        // Part of a file's name on every system.
        let stamp = time(self.wallet.now()).replace(':', "");
        let kept = self.wallet.restore_words(&words, Passphrase::new(passphrase), &stamp).await?;
        Ok(RestoredView { kept: kept.display().to_string(), status: self.status().await })
    }
}
