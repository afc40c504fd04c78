//! The vault as the wallet uses it: first run, unlock, lock, auto-lock after a while and after a suspend. Refuses
//! to replace a vault, and to take short passphrases.

use crate::{Clock, Event, Wallet, WalletError};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tron::{Address, PrivateKey, hd::Words, tip712::Digest};
use tron::{
    sign::Signature,
    tx::{RawTransaction, SignedTransaction},
};
use vault::{Account, Backup, Origin, Passphrase, Remembered, Unlocked, Vault, VaultError};

/// Characters that a passphrase needs at least.
pub const PASSPHRASE_MIN: usize = 8;
/// A machine that was suspended so long was perhaps left alone. Less is noise between two readings.
const SLEPT_MS: i64 = 1_000;

/// New words that wait for their backup to be confirmed; dropped and wiped when given up.
struct Pending {
    words: Arc<Words>,
    backup: Backup,
}

pub(crate) struct Keys {
    file: PathBuf,
    cost: vault::Cost,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    /// Changes of the file come one after another.
    changing: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    accounts: Vec<Account>,
    remembered: Option<Remembered>,
    unlocked: Option<Unlocked>,
    /// Counts locks and unlocks: what was begun before one of them is over.
    turn: u64,
    pending: Option<Pending>,
    used_at: i64,
    /// Of the machine's sleep, when the vault was unlocked.
    slept_ms: i64,
    /// It was locked by a suspend, and nobody was told yet.
    slept: bool,
    exists: bool,
}

impl State {
    fn lock(&mut self) {
        self.unlocked = None;
        self.turn += 1;
    }
}

impl Keys {
    pub fn open(file: PathBuf, cost: vault::Cost, clock: Arc<dyn Clock>) -> Result<Self, VaultError> {
        let exists = file.exists();
        let vault = if exists { Some(Vault::open(&file)?) } else { None };
        let accounts = vault.as_ref().map(|vault| vault.accounts().to_vec()).unwrap_or_default();
        let remembered = vault.as_ref().and_then(Vault::remembered).cloned();
        let state = Mutex::new(State { accounts, remembered, exists, ..State::default() });
        Ok(Self { file, cost, clock, state, changing: tokio::sync::Mutex::default() })
    }

    /// The one way to the keys: after a suspend they are gone before anybody gets here.
    fn state(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.unlocked.is_some() && self.clock.slept_ms() - state.slept_ms >= SLEPT_MS {
            state.lock();
            state.slept = true;
        }
        state
    }

    pub fn file(&self) -> PathBuf {
        self.file.clone()
    }

    pub fn exists(&self) -> bool {
        self.state().exists
    }

    pub fn is_unlocked(&self) -> bool {
        self.state().unlocked.is_some()
    }

    pub fn accounts(&self) -> Vec<Account> {
        self.state().accounts.clone()
    }

    pub fn sign(&self, address: Address, digest: &Digest) -> Result<Signature, WalletError> {
        let state = self.state();
        let keys = state.unlocked.as_ref().ok_or(WalletError::Locked)?;
        Ok(keys.sign(address, digest)?)
    }

    pub fn sign_transaction(&self, address: Address, raw: RawTransaction) -> Result<SignedTransaction, WalletError> {
        let state = self.state();
        let keys = state.unlocked.as_ref().ok_or(WalletError::Locked)?;
        Ok(keys.sign_transaction(address, raw)?)
    }

    pub fn touch(&self, boot_ms: i64) {
        self.state().used_at = boot_ms;
    }

    /// Locks if unused for `after_ms` (`None`: however long), or if the machine was suspended; true when it did.
    pub fn lock_if_left(&self, after_ms: Option<i64>) -> bool {
        let boot_ms = self.clock.boot_ms();
        let mut state = self.state();
        let idle = state.unlocked.is_some() && after_ms.is_some_and(|after| boot_ms - state.used_at >= after);
        if idle {
            state.lock();
        }
        std::mem::take(&mut state.slept) || idle
    }

    /// Changes the unlocked vault and its file.
    pub fn change<T>(&self, how: impl FnOnce(&mut Unlocked) -> Result<T, VaultError>) -> Result<T, WalletError> {
        let mut state = self.state();
        let keys = state.unlocked.as_mut().ok_or(WalletError::Locked)?;
        let done = how(keys);
        let (accounts, remembered) = (keys.accounts().to_vec(), keys.vault().remembered().cloned());
        (state.accounts, state.remembered) = (accounts, remembered);
        Ok(done?)
    }

    /// Reads from the unlocked vault.
    pub fn read<T>(&self, how: impl FnOnce(&Unlocked) -> Result<T, VaultError>) -> Result<T, WalletError> {
        Ok(how(self.state().unlocked.as_ref().ok_or(WalletError::Locked)?)?)
    }

    pub fn remembered(&self) -> Option<Remembered> {
        self.state().remembered.clone()
    }

    /// Forgets a remembered unlock in the file, unlocked or not.
    pub fn forget_unlock(&self) -> Result<(), WalletError> {
        let mut state = self.state();
        match &mut state.unlocked {
            Some(keys) => keys.forget_unlock()?,
            None => Vault::open(&self.file)?.forget_unlock()?,
        }
        state.remembered = None;
        Ok(())
    }

    /// Held while the file is changed.
    pub async fn changing(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.changing.lock().await
    }

    pub fn turn(&self) -> u64 {
        self.state().turn
    }

    pub fn adopt(&self, unlocked: Unlocked) {
        self.take_over(&mut self.state(), unlocked);
    }

    /// As [`Keys::adopt`], unless it was locked or unlocked since `turn`.
    pub fn adopt_at(&self, turn: u64, unlocked: Unlocked) -> bool {
        let mut state = self.state();
        let same = state.turn == turn;
        if same {
            self.take_over(&mut state, unlocked);
        }
        same
    }

    fn take_over(&self, state: &mut State, unlocked: Unlocked) {
        let (boot_ms, slept_ms) = (self.clock.boot_ms(), self.clock.slept_ms());
        state.turn += 1;
        state.slept_ms = slept_ms;
        state.slept = false;
        state.accounts = unlocked.accounts().to_vec();
        state.remembered = unlocked.vault().remembered().cloned();
        state.unlocked = Some(unlocked);
        state.exists = true;
        state.pending = None;
        state.used_at = boot_ms;
    }
}

pub(crate) fn long_enough(passphrase: &Passphrase) -> Result<(), WalletError> {
    let found = passphrase.chars();
    match found < PASSPHRASE_MIN {
        true => Err(WalletError::ShortPassphrase { found, expected: PASSPHRASE_MIN }),
        false => Ok(()),
    }
}

impl Wallet {
    /// Fresh BIP-39 words (12 or 24), to be shown once, and which three positions (from 1) will be asked back.
    /// Nothing is written until [`Wallet::confirm_words`].
    pub fn new_words(&self, count: u8) -> Result<(Vec<String>, Vec<usize>), WalletError> {
        if self.0.keys.exists() {
            return Err(WalletError::AlreadyThere);
        }
        let mut entropy = zeroize::Zeroizing::new([0_u8; 32]);
        random(entropy.as_mut())?;
        let words = match count {
            12 => Words::from_entropy(&entropy[..16]),
            24 => Words::from_entropy(&entropy[..]),
            other => {
                return Err(WalletError::Field { field: "count", expected: "12 or 24", found: other.to_string() });
            }
        }
        .map_err(|e| WalletError::BadWords { reason: e.to_string() })?;
        let mut dice = [0_u8; 32];
        random(&mut dice)?;
        let backup = Backup::choose(&words, &dice);
        let shown = (0..words.len()).filter_map(|i| words.word(i).map(str::to_owned)).collect();
        let ask = backup.positions().to_vec();
        self.0.keys.state().pending = Some(Pending { words: Arc::new(words), backup });
        Ok((shown, ask))
    }

    /// Gives up words that were shown and not confirmed.
    pub fn discard_words(&self) {
        self.0.keys.state().pending = None;
    }

    /// Writes the vault, once the asked words came back right. The pending words are kept until it is written: what a
    /// person wrote down and confirmed stays good.
    ///
    /// # Errors
    /// [`WalletError::NotWritten`]: the words are right, and the same call can be made again.
    pub async fn confirm_words(&self, answers: Vec<String>, passphrase: Passphrase) -> Result<(), WalletError> {
        long_enough(&passphrase)?;
        let words = {
            let state = self.0.keys.state();
            let pending = state.pending.as_ref().ok_or(WalletError::NothingToConfirm)?;
            let answers: Vec<&str> = answers.iter().map(|a| a.trim()).collect();
            pending
                .backup
                .confirm(&pending.words, &answers)
                .map_err(|e| WalletError::WrongWord { position: e.position })?;
            Arc::clone(&pending.words)
        };
        self.create_vault(First::Words(words), passphrase).await.map_err(|e| match e {
            WalletError::Vault(e @ VaultError::File { .. }) => WalletError::NotWritten(e),
            other => other,
        })
    }

    /// Makes the vault from words that a person has.
    pub async fn import_words(&self, words: &str, passphrase: Passphrase) -> Result<(), WalletError> {
        long_enough(&passphrase)?;
        let words = Words::parse(words).map_err(|e| WalletError::BadWords { reason: e.to_string() })?;
        self.create_vault(First::Words(Arc::new(words)), passphrase).await
    }

    /// A wallet that begins with one key of its own and has no words.
    pub(crate) async fn create_from_key(&self, key: PrivateKey, passphrase: Passphrase) -> Result<(), WalletError> {
        long_enough(&passphrase)?;
        self.create_vault(First::Key(key), passphrase).await
    }

    async fn create_vault(&self, first: First, passphrase: Passphrase) -> Result<(), WalletError> {
        let _changing = self.0.keys.changing().await;
        if self.0.keys.exists() {
            return Err(WalletError::AlreadyThere);
        }
        let (file, cost) = (self.0.keys.file.clone(), self.0.keys.cost);
        let unlocked = blocking(move || Vault::create_from(&file, &first.origin(), &passphrase, cost)).await??;
        self.0.keys.adopt(unlocked);
        self.emit(Event::Lock);
        Ok(())
    }

    /// Unlocks and takes up what waited for the key.
    pub async fn unlock(&self, passphrase: Passphrase) -> Result<(), WalletError> {
        let unlocked = self.open_vault(passphrase).await?;
        self.0.keys.adopt(unlocked);
        self.emit(Event::Lock);
        self.resume().await;
        Ok(())
    }

    /// Proves that the person at a terminal knows the passphrase; unlocks as a side effect.
    pub async fn prove(&self, passphrase: Passphrase) -> Result<(), WalletError> {
        let unlocked = self.open_vault(passphrase).await?;
        if !self.0.keys.is_unlocked() {
            self.0.keys.adopt(unlocked);
            self.emit(Event::Lock);
            self.resume().await;
        }
        Ok(())
    }

    async fn open_vault(&self, passphrase: Passphrase) -> Result<Unlocked, WalletError> {
        if !self.0.keys.exists() {
            return Err(WalletError::NoAccount);
        }
        let file = self.0.keys.file.clone();
        Ok(blocking(move || Vault::open(&file)?.unlock(&passphrase)).await??)
    }

    /// Forgets every key at once. Open questions stay.
    pub fn lock(&self) {
        self.0.keys.state().lock();
        self.emit(Event::Lock);
    }

    pub fn is_locked(&self) -> bool {
        !self.0.keys.is_unlocked()
    }

    /// No vault yet: first run.
    pub fn is_empty(&self) -> bool {
        !self.0.keys.exists()
    }

    pub fn accounts(&self) -> Vec<Account> {
        self.0.keys.accounts()
    }

    /// A person is there: the auto-lock starts again.
    pub fn touch(&self) {
        self.0.keys.touch(self.0.time.boot_ms());
    }
}

/// What a new vault begins with, on its way to the thread that makes it.
enum First {
    Words(Arc<Words>),
    Key(PrivateKey),
}

impl First {
    fn origin(&self) -> Origin<'_> {
        match self {
            Self::Words(words) => Origin::Words(words),
            Self::Key(key) => Origin::Key(key),
        }
    }
}

pub(crate) fn random(bytes: &mut [u8]) -> Result<(), WalletError> {
    getrandom::fill(bytes).map_err(|_| WalletError::Check { check: "system randomness" })
}

/// Runs slow work beside the async threads.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, WalletError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| WalletError::Check { check: "background work" })
}
