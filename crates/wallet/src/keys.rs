//! The vault as the wallet uses it: first run, unlock, lock, auto-lock after a while and after a suspend. Refuses
//! to replace a vault, and to take short passphrases. A passphrase that proves something unlocks nothing: the keys
//! that it opens are used for that one thing and forgotten.

use crate::tries::{Tries, WrongTries};
use crate::{Clock, Event, Wallet, WalletError};
use ledger::PaymentId;
use std::collections::HashMap;
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

/// Keys that were lent to one payment are kept no longer than this: an allowance is on the chain by then, or the payment
/// waits for the unlock.
const LENT_MS: i64 = 10 * 60_000;

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
    tries: Tries,
}

#[derive(Default)]
struct State {
    accounts: Vec<Account>,
    remembered: Option<Remembered>,
    unlocked: Option<Unlocked>,
    /// Keys for single payments: their answers came with the passphrase while the wallet was locked, and it stays so.
    lent: HashMap<PaymentId, Lent>,
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

/// What the answer to one payment opened, for that payment alone.
struct Lent {
    keys: Unlocked,
    /// Of the boot clock and of the machine's sleep, when it was lent.
    at_ms: i64,
    slept_ms: i64,
}

impl State {
    fn lock(&mut self) {
        self.unlocked = None;
        self.lent.clear();
        self.turn += 1;
    }

    fn keys_for(&self, payment: PaymentId) -> Result<&Unlocked, WalletError> {
        let lent = || self.lent.get(&payment).map(|lent| &lent.keys);
        self.unlocked.as_ref().or_else(lent).ok_or(WalletError::Locked)
    }

    fn seen(&mut self, vault: &Unlocked) {
        self.accounts = vault.accounts().to_vec();
        self.remembered = vault.vault().remembered().cloned();
        self.exists = true;
    }
}

impl Keys {
    pub fn open(file: PathBuf, cost: vault::Cost, clock: Arc<dyn Clock>) -> Result<Self, VaultError> {
        let exists = file.exists();
        let vault = if exists { Some(Vault::open(&file)?) } else { None };
        let accounts = vault.as_ref().map(|vault| vault.accounts().to_vec()).unwrap_or_default();
        let remembered = vault.as_ref().and_then(Vault::remembered).cloned();
        let state = Mutex::new(State { accounts, remembered, exists, ..State::default() });
        let tries = Tries::new(Arc::clone(&clock));
        Ok(Self { file, cost, clock, state, changing: tokio::sync::Mutex::default(), tries })
    }

    /// The one way to the keys: after a suspend they are gone before anybody gets here.
    fn state(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if !state.lent.is_empty() {
            let (boot_ms, slept_ms) = (self.clock.boot_ms(), self.clock.slept_ms());
            state.lent.retain(|_, l| boot_ms - l.at_ms < LENT_MS && slept_ms - l.slept_ms < SLEPT_MS);
        }
        if state.unlocked.is_some() && self.clock.slept_ms() - state.slept_ms >= SLEPT_MS {
            state.lock();
            state.slept = true;
        }
        state
    }

    /// Whoever has a passphrase of a person goes this way.
    pub fn tries(&self) -> &Tries {
        &self.tries
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

    /// Lends what an answer opened to its payment, where the wallet is locked.
    pub fn lend(&self, payment: PaymentId, keys: Unlocked) {
        let (at_ms, slept_ms) = (self.clock.boot_ms(), self.clock.slept_ms());
        let mut state = self.state();
        if state.unlocked.is_none() {
            state.lent.insert(payment, Lent { keys, at_ms, slept_ms });
        }
    }

    /// The payment needs no key any more.
    pub fn give_back(&self, payment: PaymentId) {
        self.state().lent.remove(&payment);
    }

    /// Whether a payment can be signed: the wallet is unlocked, or its own answer brought the keys.
    pub fn has_keys_for(&self, payment: PaymentId) -> bool {
        self.state().keys_for(payment).is_ok()
    }

    pub fn sign(&self, payment: PaymentId, address: Address, digest: &Digest) -> Result<Signature, WalletError> {
        Ok(self.state().keys_for(payment)?.sign(address, digest)?)
    }

    pub fn sign_transaction(
        &self,
        payment: PaymentId,
        address: Address,
        raw: RawTransaction,
    ) -> Result<SignedTransaction, WalletError> {
        Ok(self.state().keys_for(payment)?.sign_transaction(address, raw)?)
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

    /// Changes the vault and its file with what a passphrase opened just now, while [`Keys::changing`] is held. A wallet
    /// that is locked stays locked.
    pub fn change<T>(
        &self,
        mut opened: Unlocked,
        how: impl FnOnce(&mut Unlocked) -> Result<T, VaultError>,
    ) -> Result<T, WalletError> {
        let mut state = self.state();
        let mut kept = state.unlocked.take();
        let keys = kept.as_mut().unwrap_or(&mut opened);
        let done = how(keys);
        state.seen(keys);
        state.unlocked = kept;
        Ok(done?)
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

    /// The vault was written anew, under another passphrase: unlocked with the new keys where it was unlocked, and
    /// otherwise as locked as before. `true`: it is unlocked.
    pub fn renew(&self, unlocked: Unlocked) -> bool {
        let mut state = self.state();
        state.lent.clear();
        state.seen(&unlocked);
        let open = state.unlocked.is_some();
        if open {
            self.take_over(&mut state, unlocked);
        }
        open
    }

    fn take_over(&self, state: &mut State, unlocked: Unlocked) {
        let (boot_ms, slept_ms) = (self.clock.boot_ms(), self.clock.slept_ms());
        state.turn += 1;
        state.slept_ms = slept_ms;
        state.slept = false;
        state.seen(&unlocked);
        state.lent.clear();
        state.unlocked = Some(unlocked);
        state.pending = None;
        state.used_at = boot_ms;
        self.tries.right();
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
    pub(crate) async fn create_from_key(
        &self,
        key: PrivateKey,
        passphrase: Arc<Passphrase>,
    ) -> Result<(), WalletError> {
        long_enough(&passphrase)?;
        self.create_vault(First::Key(key), passphrase).await
    }

    async fn create_vault(&self, first: First, passphrase: impl Into<Arc<Passphrase>>) -> Result<(), WalletError> {
        let passphrase = passphrase.into();
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

    /// Proves that the person knows the passphrase. What it opens is forgotten at once: a locked wallet stays locked.
    pub async fn prove(&self, passphrase: Passphrase) -> Result<(), WalletError> {
        self.open_vault(passphrase).await.map(drop)
    }

    /// What the passphrase opens, for whoever uses it for one thing and forgets it.
    pub(crate) async fn open_vault(&self, passphrase: impl Into<Arc<Passphrase>>) -> Result<Unlocked, WalletError> {
        let passphrase = passphrase.into();
        if !self.0.keys.exists() {
            return Err(WalletError::NoAccount);
        }
        let file = self.0.keys.file.clone();
        self.tried(move || Ok(Vault::open(&file)?.unlock(&passphrase)?)).await
    }

    /// Tries the passphrase of this wallet: see [`crate::tries`].
    pub(crate) async fn tried<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, WalletError> + Send + 'static,
    ) -> Result<T, WalletError> {
        self.0.keys.tries().run(work).await
    }

    /// How many tries at the passphrase were wrong, and how long the next one has to wait.
    pub fn wrong_tries(&self) -> WrongTries {
        self.0.keys.tries().standing()
    }

    /// Forgets every key at once. Open questions stay.
    pub fn lock(&self) {
        self.0.keys.state().lock();
        self.emit(Event::Lock);
    }

    pub fn is_locked(&self) -> bool {
        !self.0.keys.is_unlocked()
    }

    /// Nothing can sign this payment yet: the wallet is locked, and no answer brought the keys for it.
    pub fn waits_for_unlock(&self, payment: PaymentId) -> bool {
        !self.0.keys.has_keys_for(payment)
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

/// Proves the passphrase of a wallet that is not open, in the folder of its profile: its record is gone, and a new one
/// takes its owner's word.
pub async fn prove_at(dir: &std::path::Path, passphrase: Passphrase) -> Result<(), WalletError> {
    let file = dir.join("vault.json");
    Ok(blocking(move || Vault::open(&file)?.unlock(&passphrase)).await?.map(drop)?)
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
