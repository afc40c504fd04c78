//! Tries at a passphrase: one at a time, because each takes the memory that makes guessing dear, and after some wrong
//! ones a pause that grows. Refuses a try within the pause and more that stand in line than a person would start; the
//! right one ends it. Counts and waits only: what a try proves is its caller's.

use crate::{Clock, WalletError, keys::blocking, lock};
use std::sync::{Arc, Mutex};
use tokio::sync::Semaphore;
use vault::VaultError;

/// So many wrong ones in a row are slips.
const SLIPS: u32 = 3;
/// The longest pause.
const PAUSE_MOST_MS: i64 = 60_000;
/// The one at work, and those behind it.
const IN_LINE: usize = 4;

/// How tries at the passphrase stand, for people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WrongTries {
    /// Since the last right one.
    pub wrong: u32,
    /// Seconds until the next is taken; 0: now.
    pub wait: u32,
}

#[derive(Clone)]
pub(crate) struct Tries {
    clock: Arc<dyn Clock>,
    /// One derivation at a time.
    turn: Arc<Semaphore>,
    line: Arc<Semaphore>,
    wrong: Arc<Mutex<Wrong>>,
}

#[derive(Default)]
struct Wrong {
    count: u32,
    /// Boot time.
    until: i64,
}

impl Tries {
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let places = |n| Arc::new(Semaphore::new(n));
        Self { clock, turn: places(1), line: places(IN_LINE), wrong: Arc::default() }
    }

    pub fn standing(&self) -> WrongTries {
        let wrong = lock(&self.wrong);
        let left = (wrong.until - self.clock.boot_ms()).max(0);
        WrongTries { wrong: wrong.count, wait: u32::try_from((left + 999) / 1000).unwrap_or(u32::MAX) }
    }

    fn pause(&self) -> Result<(), WalletError> {
        match self.standing() {
            WrongTries { wait: 0, .. } => Ok(()),
            WrongTries { wrong, wait } => Err(WalletError::TooManyTries { wrong, retry_after: wait }),
        }
    }

    /// `work` tries the passphrase of this wallet; whether it was the right one is counted, also when the caller hangs up.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, WalletError> + Send + 'static,
    ) -> Result<T, WalletError> {
        self.pause()?;
        let crowded = |_| WalletError::TooManyTries { wrong: self.standing().wrong, retry_after: 1 };
        let place = Arc::clone(&self.line).try_acquire_owned().map_err(crowded)?;
        let turn = self.take_turn().await?;
        // Those in line begin when the one before them was judged.
        self.pause()?;
        let tries = self.clone();
        blocking(move || {
            let _held = (place, turn);
            let done = work();
            tries.judge(&done);
            done
        })
        .await?
    }

    /// `work` takes as much memory as a try and tries another passphrase than this wallet's.
    pub async fn beside<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, WalletError> + Send + 'static,
    ) -> Result<T, WalletError> {
        let crowded = |_| WalletError::RateLimited { retry_after: 1 };
        let place = Arc::clone(&self.line).try_acquire_owned().map_err(crowded)?;
        let turn = self.take_turn().await?;
        blocking(move || {
            let _held = (place, turn);
            work()
        })
        .await?
    }

    async fn take_turn(&self) -> Result<tokio::sync::OwnedSemaphorePermit, WalletError> {
        Arc::clone(&self.turn).acquire_owned().await.map_err(|_| WalletError::Closed)
    }

    /// The passphrase is known: it was given, or is new.
    pub fn right(&self) {
        *lock(&self.wrong) = Wrong::default();
    }

    fn judge<T>(&self, done: &Result<T, WalletError>) {
        let mut wrong = lock(&self.wrong);
        match done {
            Ok(_) => *wrong = Wrong::default(),
            Err(WalletError::Vault(VaultError::WrongPassphrase)) => {
                wrong.count = wrong.count.saturating_add(1);
                if let Some(more) = wrong.count.checked_sub(SLIPS) {
                    let pause = 1_000_i64.checked_shl(more.min(16)).unwrap_or(PAUSE_MOST_MS).min(PAUSE_MOST_MS);
                    wrong.until = self.clock.boot_ms() + pause;
                    tracing::warn!(wrong = wrong.count, pause_ms = pause, "wrong passphrases");
                }
            }
            // Says nothing about the passphrase.
            Err(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{HandClock, Moment};
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn wrong() -> Result<(), WalletError> {
        Err(WalletError::Vault(VaultError::WrongPassphrase))
    }

    #[tokio::test]
    async fn the_pause_grows_with_each_wrong_one_and_ends_with_the_right_one() {
        let clock = HandClock::at(Moment(0));
        let tries = Tries::new(Arc::new(clock.clone()));
        for (pause, count) in [0, 0, 1, 2, 4, 8, 16, 32, 60, 60].into_iter().zip(1..) {
            assert!(matches!(tries.run(wrong).await, Err(WalletError::Vault(_))));
            assert_eq!(tries.standing(), WrongTries { wrong: count, wait: pause });
            if pause > 0 {
                clock.advance_ms(i64::from(pause) * 1_000 - 1);
                let early = tries.run(|| Ok(())).await;
                assert!(
                    matches!(early, Err(WalletError::TooManyTries { retry_after: 1, .. })),
                    "the right one waits too"
                );
                clock.advance_ms(1);
            }
        }
        let other = || Err::<(), _>(WalletError::Locked);
        assert!(tries.run(other).await.is_err() && tries.standing().wrong == 10, "nothing about the passphrase");
        assert!(tries.run(|| Ok(())).await.is_ok());
        assert_eq!(tries.standing(), WrongTries::default());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn of_twenty_four_at_once_one_is_at_work_and_most_are_turned_away() {
        let tries = Tries::new(Arc::new(HandClock::at(Moment(0))));
        let (at_work, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let all = (0..24).map(|_| {
            let (at_work, most) = (Arc::clone(&at_work), Arc::clone(&most));
            tries.run(move || {
                most.fetch_max(at_work.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                std::thread::yield_now();
                at_work.fetch_sub(1, Ordering::SeqCst);
                wrong()
            })
        });
        let ended = futures::future::join_all(all).await;
        let tried = ended.iter().filter(|e| matches!(e, Err(WalletError::Vault(_)))).count();
        assert_eq!((tried, most.load(Ordering::SeqCst)), (SLIPS as usize, 1));
        assert_eq!(tries.standing(), WrongTries { wrong: SLIPS, wait: 1 });
    }
}
