//! An unlock that the keyring of this computer remembers: off until its owner turns it on, which takes the
//! passphrase. The file stays the truth, the passphrase opens it always, and nothing is kept anywhere else when there
//! is no keyring. It unlocks by itself at a start alone, where that was chosen; a lock, however it came, holds until
//! the passphrase or until somebody asks for the keyring. What asks for the passphrase goes on asking.

use crate::keyring::KeyringError;
use crate::keys::blocking;
use crate::{Event, Wallet, WalletError, lock};
use std::sync::Arc;
use std::time::Duration;
use vault::{Passphrase, Remembered, UnlockSecret, Unlocked, Vault, VaultError};

/// A keyring may ask a person for its own password.
const PATIENCE: Duration = Duration::from_secs(60);
/// Taking out what is worthless already.
const SWEEP: Duration = Duration::from_secs(10);

/// What the owner chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remembering {
    /// The passphrase, every time.
    Never,
    /// The keyring, when asked to.
    WhenAsked,
    /// And at a start without being asked.
    AtStart,
}

impl Remembering {
    fn of(part: Option<&Remembered>) -> Self {
        match part.map(Remembered::at_start) {
            None => Self::Never,
            Some(false) => Self::WhenAsked,
            Some(true) => Self::AtStart,
        }
    }
}

impl Wallet {
    pub fn remembering(&self) -> Remembering {
        Remembering::of(self.0.keys.remembered().as_ref())
    }

    /// Why the keyring did not help when it was last asked, until it does or is not wanted any more.
    pub fn keyring_trouble(&self) -> Option<KeyringError> {
        lock(&self.0.trouble).clone()
    }

    /// Lets the keyring remember the unlock; what it remembered before is replaced. Where no keyring answers, nothing
    /// is changed and nothing is kept.
    pub async fn remember_unlock(&self, passphrase: Passphrase, at_start: bool) -> Result<(), WalletError> {
        let passphrase = Arc::new(passphrase);
        let (part, secret) = self.open_vault(Arc::clone(&passphrase)).await?.remembering(at_start)?;
        let id = part.id();
        // The keyring first: a file that points at nothing would promise what is not there.
        self.kept(self.0.keyring.put(&id, &secret, PATIENCE).await)?;
        let earlier = self.0.keys.remembered();
        let written = self.change(passphrase, move |vault| vault.remember(part, &secret)).await;
        let worthless = if written.is_ok() { earlier.map(|part| part.id()) } else { Some(id) };
        self.sweep(worthless).await;
        written
    }

    /// The passphrase, every time: forgotten in the file first, so that the secret is worthless whatever the keyring
    /// does with it.
    pub async fn forget_unlock(&self) -> Result<(), WalletError> {
        let _changing = self.0.keys.changing().await;
        let earlier = self.0.keys.remembered();
        let wallet = self.clone();
        blocking(move || wallet.0.keys.forget_unlock()).await??;
        *lock(&self.0.trouble) = None;
        self.sweep(earlier.map(|part| part.id())).await;
        self.emit(Event::Lock);
        Ok(())
    }

    /// Unlocks with what the keyring kept: somebody asked for it.
    pub async fn unlock_remembered(&self) -> Result<(), WalletError> {
        let turn = self.0.keys.turn();
        let part = self.0.keys.remembered().ok_or(VaultError::NotRemembered)?;
        let opened = match self.0.keyring.get(&part.id(), PATIENCE).await {
            Ok(secret) => self.open_remembered(secret).await?,
            Err(e) => Err(e),
        };
        let opened = match opened {
            Err(e @ (KeyringError::Gone | KeyringError::Foreign)) => {
                // It will not open this vault again. Turned off, and told: nobody waits for what is not coming.
                self.forget_unlock().await?;
                Err(e)
            }
            other => other,
        };
        let unlocked = self.kept(opened)?;
        if self.0.keys.adopt_at(turn, unlocked) {
            self.emit(Event::Lock);
            self.resume().await;
        }
        Ok(())
    }

    /// At a start, where its owner chose so; true when that unlocked it. What went wrong is in
    /// [`Wallet::keyring_trouble`].
    pub async fn unlock_at_start(&self) -> bool {
        if self.remembering() != Remembering::AtStart || !self.is_locked() {
            return false;
        }
        match self.unlock_remembered().await {
            Ok(()) => !self.is_locked(),
            Err(e) => {
                tracing::warn!("the keyring did not unlock the wallet: {e}");
                false
            }
        }
    }

    async fn open_remembered(&self, secret: UnlockSecret) -> Result<Result<Unlocked, KeyringError>, WalletError> {
        let file = self.0.keys.file();
        match blocking(move || Vault::open(&file)?.unlock_remembered(&secret)).await? {
            Err(VaultError::ForeignSecret) => Ok(Err(KeyringError::Foreign)),
            other => Ok(Ok(other?)),
        }
    }

    /// Remembers what the keyring had against it, for the status.
    fn kept<T>(&self, result: Result<T, KeyringError>) -> Result<T, WalletError> {
        *lock(&self.0.trouble) = result.as_ref().err().cloned();
        if result.is_err() {
            self.emit(Event::Lock);
        }
        Ok(result?)
    }

    /// Takes a secret out of the keyring that opens nothing any more. That it could not is no failure.
    pub(crate) async fn sweep(&self, id: Option<String>) {
        let Some(id) = id else { return };
        if let Err(e) = self.0.keyring.remove(&id, SWEEP).await {
            tracing::info!("a worthless secret stays in the keyring: {e}");
        }
    }
}
