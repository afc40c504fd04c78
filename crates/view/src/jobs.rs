//! Work of minutes, behind whoever began it: how far it is, ended between two steps when somebody says so, and never
//! without an end, a panic included. Remembers the last few that ended; does no work of its own.

use crate::desk::Answer;
use crate::{Code, Failure};
use ledger::{Ledger, PaymentId};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use wallet::Wallet;

/// Of those that ended. One that runs is never forgotten.
const REMEMBERED: usize = 16;

/// Work that was begun, by its id, the oldest first.
pub(crate) struct Jobs<P>(Mutex<VecDeque<Arc<Job<P>>>>);

pub(crate) struct Job<P> {
    pub id: String,
    pub progress: P,
    cancel: AtomicBool,
    /// `None` while it runs.
    end: Mutex<Option<End>>,
}

/// `true`: to its end; `false`: somebody or the closing wallet ended it.
pub(crate) type End = Result<bool, Failure>;

impl<P> Default for Jobs<P> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<P: Send + Sync + 'static> Jobs<P> {
    /// Begins `work` on a thread of its own. It asks between two steps whether to go on.
    pub fn begin(
        &self,
        wallet: &Wallet,
        progress: P,
        work: impl FnOnce(&P, &Ledger, &dyn Fn() -> bool) -> End + Send + 'static,
    ) -> Answer<Arc<Job<P>>> {
        let id = PaymentId::fresh(wallet.now()).to_string();
        let job = Arc::new(Job { id, progress, cancel: AtomicBool::new(false), end: Mutex::default() });
        let theirs = Arc::clone(&job);
        wallet.long_work(move |ledger, closing| {
            let last = AtLast(&theirs);
            let go_on = || !theirs.cancel.load(Ordering::Relaxed) && !closing();
            let end = work(&theirs.progress, ledger, &go_on);
            last.0.set(end);
        })?;
        let mut jobs = self.lock();
        while jobs.len() >= REMEMBERED
            && let Some(over) = jobs.iter().position(|job| job.end().is_some())
        {
            jobs.remove(over);
        }
        jobs.push_back(Arc::clone(&job));
        Ok(job)
    }

    pub fn get(&self, what: &str, id: &str) -> Answer<Arc<Job<P>>> {
        let found = self.lock().iter().find(|job| job.id == id).cloned();
        found.ok_or_else(|| Failure::new(Code::NotFound, &[("what", what)]))
    }

    /// Ends it after the step that it is at.
    pub fn cancel(&self, what: &str, id: &str) -> Answer<Arc<Job<P>>> {
        let job = self.get(what, id)?;
        job.cancel.store(true, Ordering::Relaxed);
        Ok(job)
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Arc<Job<P>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<P> Job<P> {
    pub fn end(&self) -> Option<End> {
        self.end.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The first end counts.
    fn set(&self, end: End) {
        self.end.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(end);
    }
}

/// Work that panics has failed.
struct AtLast<'a, P>(&'a Job<P>);

impl<P> Drop for AtLast<'_, P> {
    fn drop(&mut self) {
        self.0.set(Err(broken()));
    }
}

/// What is said of work that ended without saying how.
pub(crate) fn broken() -> Failure {
    Failure::from(wallet::WalletError::Check { check: "background work" })
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn wallet(dir: &std::path::Path) -> Wallet {
        let options = wallet::Options::new(dir.to_owned(), "main");
        Wallet::open(options).await.unwrap()
    }

    async fn ended(job: &Job<()>) -> End {
        loop {
            match job.end() {
                Some(end) => return end,
                None => tokio::task::yield_now().await,
            }
        }
    }

    #[tokio::test]
    async fn work_that_panics_is_told_as_failed_and_the_next_goes_on() {
        let dir = tempfile::tempdir().unwrap();
        let (wallet, jobs) = (wallet(dir.path()).await, Jobs::default());
        let job = jobs.begin(&wallet, (), |(), _, _| panic!("out of luck")).unwrap();
        assert_eq!(ended(&job).await.unwrap_err().code, Code::Internal);
        let job = jobs.begin(&wallet, (), |(), ledger, _| Ok(ledger.open_questions().is_ok())).unwrap();
        assert_eq!(ended(&job).await, Ok(true));
        wallet.close().await;
    }

    #[tokio::test]
    async fn what_runs_is_remembered_and_ends_when_told_and_of_the_rest_the_last_few() {
        let dir = tempfile::tempdir().unwrap();
        let (wallet, jobs) = (wallet(dir.path()).await, Jobs::default());
        let running = jobs.begin(&wallet, (), |(), _, go_on| {
            while go_on() {
                std::thread::yield_now();
            }
            Ok(false)
        });
        let running = running.unwrap();
        let first = jobs.begin(&wallet, (), |(), _, _| Ok(true)).unwrap();
        ended(&first).await.unwrap();
        for _ in 0..2 * REMEMBERED {
            let job = jobs.begin(&wallet, (), |(), _, _| Ok(true)).unwrap();
            ended(&job).await.unwrap();
        }
        assert_eq!(jobs.lock().len(), REMEMBERED);
        assert_eq!(jobs.get("work", &first.id).map(|_| ()).unwrap_err().code, Code::NotFound);
        assert_eq!(jobs.get("work", &running.id).unwrap().end(), None);
        jobs.cancel("work", &running.id).unwrap();
        assert_eq!(ended(&running).await, Ok(false));
        wallet.close().await;
    }
}
