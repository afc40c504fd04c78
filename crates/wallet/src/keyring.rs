//! The keyring of this computer: Secret Service, Keychain or Credential Manager. Keeps one small secret for each
//! vault. A keyring may ask a person, or hang: every call runs on a thread of its own with a time limit, one at a
//! time, and each opens the keyring anew, because it comes and goes. Says nothing of what it kept, not even in errors.

use keyring_core::Error;
use keyring_core::api::CredentialStoreApi;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::oneshot;
use vault::UnlockSecret;
use zeroize::Zeroizing;

/// Every entry of this program is under this name.
const SERVICE: &str = "countersign";

/// Why a keyring did not help. The passphrase opens the wallet all the same.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyringError {
    /// No bus, no service on it, or it broke off.
    #[error("no keyring answers on this computer: {reason}")]
    Absent { reason: String },
    #[error("the keyring of this computer is locked or not set up, and nobody unlocked it")]
    Locked,
    /// It was emptied or exchanged, or someone took the entry away.
    #[error("the keyring of this computer has nothing for this wallet any more")]
    Gone,
    /// Of another vault or an earlier time.
    #[error("what the keyring of this computer has does not open this wallet")]
    Foreign,
    #[error("the keyring of this computer did not answer within {seconds} s")]
    Silent { seconds: u64 },
    #[error("the keyring of this computer still waits with an earlier request")]
    Busy,
}

/// One at a time.
#[derive(Clone, Default)]
pub(crate) struct Keyring {
    busy: Arc<AtomicBool>,
}

impl Keyring {
    /// Keeps a secret under the vault's name for it, and reads it back: what only seems to be kept is worse than none.
    pub async fn put(&self, id: &str, secret: &UnlockSecret, limit: Duration) -> Result<(), KeyringError> {
        let (id, text) = (id.to_owned(), secret.reveal());
        let back = move || {
            let entry = entry(&id)?;
            entry.set_secret(text.as_bytes())?;
            Ok(*Zeroizing::new(entry.get_secret()?) == text.as_bytes())
        };
        if self.run(limit, back).await? { Ok(()) } else { Err(KeyringError::Foreign) }
    }

    pub async fn get(&self, id: &str, limit: Duration) -> Result<UnlockSecret, KeyringError> {
        let id = id.to_owned();
        let text = self.run(limit, move || entry(&id)?.get_secret().map(Zeroizing::new)).await?;
        UnlockSecret::read(&text).ok_or(KeyringError::Foreign)
    }

    /// Takes a secret out; one that is not there is fine.
    pub async fn remove(&self, id: &str, limit: Duration) -> Result<(), KeyringError> {
        let id = id.to_owned();
        match self.run(limit, move || entry(&id)?.delete_credential()).await {
            Err(KeyringError::Gone) => Ok(()),
            other => other,
        }
    }

    /// The thread may outlast the limit: whoever answers the keyring's own question then is too late.
    async fn run<T: Send + 'static>(
        &self,
        limit: Duration,
        work: impl FnOnce() -> keyring_core::Result<T> + Send + 'static,
    ) -> Result<T, KeyringError> {
        let turn = Turn::take(&self.busy).ok_or(KeyringError::Busy)?;
        let (reply, answer) = oneshot::channel();
        let thread = std::thread::Builder::new().name("keyring".to_owned()).spawn(move || {
            let done = work().map_err(told);
            // Free before the answer is heard: the next call may follow at once.
            drop(turn);
            drop(reply.send(done));
        });
        thread.map_err(|e| KeyringError::Absent { reason: e.to_string() })?;
        match tokio::time::timeout(limit, answer).await {
            Ok(Ok(done)) => done,
            Ok(Err(_)) => Err(KeyringError::Absent { reason: "its library broke off".to_owned() }),
            Err(_) => Err(KeyringError::Silent { seconds: limit.as_secs() }),
        }
    }
}

struct Turn(Arc<AtomicBool>);

impl Turn {
    fn take(busy: &Arc<AtomicBool>) -> Option<Self> {
        busy.compare_exchange(false, true, Ordering::AcqRel, Ordering::Acquire).ok()?;
        Some(Self(Arc::clone(busy)))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

#[cfg(all(unix, not(target_os = "macos")))]
fn store() -> keyring_core::Result<Arc<impl CredentialStoreApi>> {
    zbus_secret_service_keyring_store::Store::new()
}

#[cfg(target_os = "macos")]
fn store() -> keyring_core::Result<Arc<impl CredentialStoreApi>> {
    apple_native_keyring_store::keychain::Store::new()
}

#[cfg(windows)]
fn store() -> keyring_core::Result<Arc<impl CredentialStoreApi>> {
    windows_native_keyring_store::Store::new()
}

fn entry(id: &str) -> keyring_core::Result<keyring_core::Entry> {
    store()?.build(SERVICE, id, None)
}

/// Only what says nothing of a secret: some of the library's errors carry the bytes that they could not read.
fn told(error: Error) -> KeyringError {
    match error {
        Error::NoEntry => KeyringError::Gone,
        Error::NoStorageAccess(_) => KeyringError::Locked,
        Error::BadEncoding(_) | Error::BadDataFormat(..) | Error::Ambiguous(_) => KeyringError::Foreign,
        Error::PlatformFailure(reason) => KeyringError::Absent { reason: reason.to_string() },
        _ => KeyringError::Absent { reason: "it does not work as expected".to_owned() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[tokio::test]
    async fn a_keyring_that_hangs_holds_nobody_up_and_is_free_once_it_comes_back() {
        let keyring = Keyring::default();
        let (answer, question) = mpsc::channel::<()>();
        let (done, over) = mpsc::channel();
        let hanging = move || {
            let _ = question.recv();
            drop(done);
            Ok(7)
        };
        let silent = keyring.run(Duration::ZERO, hanging).await;
        assert_eq!(silent, Err(KeyringError::Silent { seconds: 0 }));
        // Not a second question over the first.
        assert_eq!(keyring.run(Duration::from_secs(60), || Ok(8)).await, Err(KeyringError::Busy));
        drop(answer);
        let _: Result<(), _> = over.recv();
        let mut again = Err(KeyringError::Busy);
        while again == Err(KeyringError::Busy) {
            std::thread::yield_now();
            again = keyring.run(Duration::from_secs(60), || Ok(8)).await;
        }
        assert_eq!(again, Ok(8));
    }

    #[tokio::test]
    async fn a_library_that_panics_is_an_answer() {
        let keyring = Keyring::default();
        let broken = keyring.run(Duration::from_secs(60), || -> keyring_core::Result<()> { panic!("its own bug") });
        assert!(matches!(broken.await, Err(KeyringError::Absent { .. })));
        assert_eq!(keyring.run(Duration::from_secs(60), || Ok(8)).await, Ok(8));
    }

    #[test]
    fn what_could_not_be_read_is_not_told() {
        let secret = b"0123456789abcdef".to_vec();
        for error in [Error::BadEncoding(secret.clone()), Error::BadDataFormat(secret, "0123456789abcdef".into())] {
            let told = told(error);
            assert!(!format!("{told} {told:?}").contains("0123456789"), "{told:?}");
        }
    }
}
