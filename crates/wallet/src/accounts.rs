//! Several accounts: which one pays, and adding, importing, watching, removing, showing and restoring them.
//! Refuses to pay from an account without a key, and to lose a key that something open still needs. Whatever changes
//! the accounts, or shows a secret, takes the passphrase, unlocked or not, and leaves a locked wallet locked.

use crate::keys::{blocking, long_enough};
use crate::{Event, Wallet, WalletError};
use ledger::PayerChoice;
use plan::{AppId, Site};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tron::{Address, PrivateKey, hd::Words};
use vault::{Account, Keystore, Passphrase, Remembered, Unlocked, Vault, VaultError};
use zeroize::Zeroizing;

/// The ledger's name of the setting.
const DEFAULT: &str = "account";

/// A key that comes from elsewhere.
pub enum Import {
    /// 64 hex digits, with or without `0x`.
    Key(Zeroizing<String>),
    /// A keystore of version 3 and the passphrase that it has.
    Keystore { file: Zeroizing<String>, passphrase: Passphrase },
}

impl Import {
    /// May take seconds: the keystore says how long.
    fn open(self) -> Result<PrivateKey, WalletError> {
        match self {
            Self::Key(text) => read_key(&text),
            Self::Keystore { file, passphrase } => Ok(Keystore::parse(file.as_bytes())?.open(&passphrase)?),
        }
    }
}

/// A private key as people have it. Judged before a passphrase is asked.
pub fn read_key(text: &str) -> Result<PrivateKey, WalletError> {
    Ok(PrivateKey::parse(text)?)
}

/// The text of a keystore file that can be opened, whatever its passphrase is. Judged before that is asked.
pub fn read_keystore(path: &Path) -> Result<Zeroizing<String>, WalletError> {
    let file = Keystore::load(path)?;
    Keystore::parse(&file)?;
    Ok(Keystore::text(&file)?)
}

/// How many words a text holds, in whatever layout. Judged before a passphrase is asked.
pub fn read_words(text: &str) -> Result<usize, WalletError> {
    let words = Words::parse(text).map_err(|e| WalletError::BadWords { reason: e.to_string() })?;
    Ok(words.len())
}

/// A keystore that can be opened, whatever its passphrase is.
pub fn check_keystore(file: &str) -> Result<(), WalletError> {
    Keystore::parse(file.as_bytes())?;
    Ok(())
}

/// Which account pays.
impl Wallet {
    /// The one chosen for app and site, else for the app, else the default. Refused when it has no key here.
    pub(crate) async fn payer(&self, app: &AppId, site: &Site) -> Result<Address, WalletError> {
        let (app, site) = (app.clone(), site.clone());
        self.able(self.db(move |ledger| ledger.payer(&app, Some(&site), DEFAULT)).await?)
    }

    /// The account that pays for an app where nothing else was chosen for a site.
    pub async fn payer_of_app(&self, app: &AppId) -> Result<Address, WalletError> {
        let app = app.clone();
        self.able(self.db(move |ledger| ledger.payer(&app, None, DEFAULT)).await?)
    }

    /// The account that pays where nothing was chosen.
    pub async fn default_account(&self) -> Result<Address, WalletError> {
        self.able(self.chosen_default().await?)
    }

    async fn chosen_default(&self) -> Result<Option<Address>, WalletError> {
        let kept = self.db(|ledger| ledger.setting(DEFAULT)).await?;
        Ok(kept.and_then(|text| Address::parse(&text).ok()))
    }

    fn able(&self, chosen: Option<Address>) -> Result<Address, WalletError> {
        let accounts = self.accounts();
        match chosen {
            Some(address) => {
                let account = accounts.iter().find(|a| a.address == address);
                signing(account.ok_or(VaultError::UnknownAccount { address })?)
            }
            // Nothing chosen: the first that is shown and can.
            None => {
                let shown = accounts.iter().find(|a| a.signs() && !a.hidden);
                let any = shown.or_else(|| accounts.iter().find(|a| a.signs())).or(accounts.first());
                signing(any.ok_or(WalletError::NoAccount)?)
            }
        }
    }

    fn account_at(&self, address: Address) -> Result<Account, WalletError> {
        let found = self.accounts().into_iter().find(|a| a.address == address);
        found.ok_or_else(|| VaultError::UnknownAccount { address }.into())
    }

    pub async fn set_default_account(&self, address: Address) -> Result<(), WalletError> {
        signing(&self.account_at(address)?)?;
        self.db(move |ledger| ledger.set_setting(DEFAULT, &address.to_string())).await?;
        self.emit(Event::Rules);
        Ok(())
    }

    /// What was chosen for apps and sites.
    pub async fn payers(&self) -> Result<Vec<PayerChoice>, WalletError> {
        self.db(|ledger| ledger.payers()).await
    }

    /// Chooses the account that pays for an app, on all sites or on one; `None` takes the choice back. Open
    /// questions keep the account that they show.
    pub async fn choose_payer(
        &self,
        app: &AppId,
        site: Option<&Site>,
        account: Option<Address>,
    ) -> Result<(), WalletError> {
        if let Some(address) = account {
            signing(&self.account_at(address)?)?;
        }
        let (app, site, now) = (app.clone(), site.cloned(), self.now());
        self.db(move |ledger| ledger.set_payer(&app, site.as_ref(), account, now)).await?;
        self.emit(Event::Rules);
        Ok(())
    }
}

fn signing(account: &Account) -> Result<Address, WalletError> {
    match account.signs() {
        true => Ok(account.address),
        false => Err(VaultError::WatchedOnly { address: account.address }.into()),
    }
}

/// Changing the accounts, for the passphrase.
impl Wallet {
    /// The next account of the words. Without a name it is numbered.
    pub async fn add_account(&self, name: &str, passphrase: Passphrase) -> Result<Account, WalletError> {
        let name = self.named(name);
        self.change(passphrase, move |vault| vault.add_account(&name)).await
    }

    /// An address to look at; it never signs.
    pub async fn watch_account(
        &self,
        name: &str,
        address: Address,
        passphrase: Passphrase,
    ) -> Result<Account, WalletError> {
        let name = self.named(name);
        self.change(passphrase, move |vault| vault.watch(&name, address)).await
    }

    /// Adds a key from elsewhere, sealed under the wallet's passphrase. Where there is no wallet yet, it becomes one
    /// without words.
    pub async fn import_account(
        &self,
        name: &str,
        import: Import,
        passphrase: Passphrase,
    ) -> Result<Account, WalletError> {
        let passphrase = Arc::new(passphrase);
        if self.is_empty() {
            long_enough(&passphrase)?;
            let key = self.0.keys.tries().beside(move || import.open()).await?;
            let address = key.address();
            self.create_from_key(key, Arc::clone(&passphrase)).await?;
            if !name.trim().is_empty() {
                let name = name.to_owned();
                self.change(passphrase, move |vault| vault.rename(address, &name)).await?;
            }
            return self.account_at(address);
        }
        // The cheap proof before the dear work.
        self.open_vault(Arc::clone(&passphrase)).await?;
        let key = self.0.keys.tries().beside(move || import.open()).await?;
        let name = self.named(name);
        self.change(passphrase, move |vault| vault.import(&name, &key)).await
    }

    pub async fn rename_account(
        &self,
        address: Address,
        name: &str,
        passphrase: Passphrase,
    ) -> Result<(), WalletError> {
        let name = name.to_owned();
        self.change(passphrase, move |vault| vault.rename(address, &name)).await
    }

    /// A hidden account is not offered; what waits for it goes on.
    pub async fn hide_account(
        &self,
        address: Address,
        hidden: bool,
        passphrase: Passphrase,
    ) -> Result<(), WalletError> {
        self.change(passphrase, move |vault| vault.hide(address, hidden)).await
    }

    /// Moves an account to a place in the list, from 0.
    pub async fn place_account(&self, address: Address, at: usize, passphrase: Passphrase) -> Result<(), WalletError> {
        self.change(passphrase, move |vault| vault.place(address, at)).await
    }

    /// Forgets an imported or watched account, and every choice of it. The record stays.
    pub async fn remove_account(&self, address: Address, passphrase: Passphrase) -> Result<(), WalletError> {
        let passphrase = Arc::new(passphrase);
        self.open_vault(Arc::clone(&passphrase)).await?;
        if self.account_at(address)?.signs() {
            let waiting = |ledger: &ledger::Ledger| Ok((ledger.open_questions()?, ledger.unfinished()?));
            let (asked, unfinished) = self.db(waiting).await?;
            let open = asked.iter().chain(&unfinished).filter(|p| p.plan.payer == address).count();
            if open > 0 {
                return Err(WalletError::AccountInUse { address, open });
            }
        }
        self.change(passphrase, move |vault| vault.remove(address)).await?;
        let default = self.chosen_default().await? == Some(address);
        self.db(move |ledger| {
            ledger.forget_payer(address)?;
            if default { ledger.set_setting(DEFAULT, "") } else { Ok(()) }
        })
        .await?;
        self.emit(Event::Rules);
        Ok(())
    }

    /// The name, or the next free "Account n".
    fn named(&self, name: &str) -> String {
        if !name.trim().is_empty() {
            return name.to_owned();
        }
        let accounts = self.accounts();
        let free = |name: &String| !accounts.iter().any(|a| a.name == *name);
        let mut names = (accounts.len() + 1..).map(|n| format!("Account {n}"));
        names.find(free).unwrap_or_default()
    }

    pub(crate) async fn change<T: Send + 'static>(
        &self,
        passphrase: impl Into<Arc<Passphrase>>,
        how: impl FnOnce(&mut Unlocked) -> Result<T, VaultError> + Send + 'static,
    ) -> Result<T, WalletError> {
        let _changing = self.0.keys.changing().await;
        let opened = self.open_vault(passphrase).await?;
        let wallet = self.clone();
        let done = blocking(move || wallet.0.keys.change(opened, how)).await??;
        self.touch();
        self.emit(Event::Lock);
        Ok(done)
    }
}

/// For the passphrase alone.
impl Wallet {
    /// The words, to be written down once more.
    pub async fn reveal_words(&self, passphrase: Passphrase) -> Result<Words, WalletError> {
        let file = self.0.keys.file();
        self.present()?;
        self.tried(move || Ok(Vault::open(&file)?.words(&passphrase)?)).await
    }

    /// The private key of an account, 64 hex digits.
    pub async fn reveal_key(&self, address: Address, passphrase: Passphrase) -> Result<Zeroizing<String>, WalletError> {
        let file = self.0.keys.file();
        self.present()?;
        let key = self.tried(move || Ok(Vault::open(&file)?.key(address, &passphrase)?)).await?;
        Ok(Zeroizing::new(hex::encode(key.reveal().as_slice())))
    }

    /// A keystore file of version 3 with the key of an account, under a passphrase of its own.
    pub async fn export_keystore(
        &self,
        address: Address,
        passphrase: Passphrase,
        new: Passphrase,
    ) -> Result<String, WalletError> {
        long_enough(&new)?;
        self.present()?;
        let file = self.0.keys.file();
        let sealed = move || -> Result<String, WalletError> {
            let key = Vault::open(&file)?.key(address, &passphrase)?;
            Ok(Keystore::write(&key, &new)?)
        };
        self.tried(sealed).await
    }

    /// Another passphrase for the same accounts. Whatever remembered the old one is worthless from then on.
    pub async fn change_passphrase(&self, current: Passphrase, new: Passphrase) -> Result<(), WalletError> {
        long_enough(&new)?;
        self.present()?;
        let _changing = self.0.keys.changing().await;
        let file = self.0.keys.file();
        let changed = move || -> Result<Unlocked, WalletError> {
            let mut unlocked = Vault::open(&file)?.unlock(&current)?;
            unlocked.change_passphrase(&current, &new)?;
            Ok(unlocked)
        };
        let remembered = self.0.keys.remembered();
        let unlocked = self.tried(changed).await?;
        self.renewed_vault(unlocked, remembered).await;
        Ok(())
    }

    /// The passphrase is lost: the words of this wallet give the vault anew, the ledger stays. `stamp` names the
    /// copy of the old file, which is returned.
    pub async fn restore_words(
        &self,
        words: &str,
        passphrase: Passphrase,
        stamp: &str,
    ) -> Result<PathBuf, WalletError> {
        long_enough(&passphrase)?;
        self.present()?;
        let words = Words::parse(words).map_err(|e| WalletError::BadWords { reason: e.to_string() })?;
        let _changing = self.0.keys.changing().await;
        let (file, stamp) = (self.0.keys.file(), stamp.to_owned());
        let remembered = self.0.keys.remembered();
        let (unlocked, copy) = blocking(move || Vault::open(&file)?.restore(&words, &passphrase, &stamp)).await??;
        self.renewed_vault(unlocked, remembered).await;
        Ok(copy)
    }

    /// The vault has another passphrase: what remembered the old one goes. A locked wallet stays locked.
    async fn renewed_vault(&self, unlocked: Unlocked, remembered: Option<Remembered>) {
        let open = self.0.keys.renew(unlocked);
        self.emit(Event::Lock);
        self.sweep(remembered.map(|part| part.id())).await;
        if open {
            self.resume().await;
        }
    }

    fn present(&self) -> Result<(), WalletError> {
        if self.is_empty() { Err(WalletError::NoAccount) } else { Ok(()) }
    }
}
