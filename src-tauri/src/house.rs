//! The owner behind the windows: opened once, closed in order at the end. When it can't be opened (another
//! Countersign, a port that is taken, a record that is gone) the windows still open and say why.

use crate::args::Args;
use crate::practice_world::Practice;
use helper::{Owner, OwnerOptions, StartError};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use tauri::async_runtime::block_on;
use tokio::sync::oneshot;
use view::{Code, Desk, Failure};
use wallet::Passphrase;

pub struct House {
    desk: OnceLock<Desk>,
    /// Why there is no desk.
    trouble: Option<Failure>,
    args: Args,
    /// Taken at the end.
    open: Mutex<Option<Open>>,
    /// What the vault window was opened for.
    errand: Mutex<Errand>,
    /// Who waits for the passphrase that the vault window was opened for.
    waiting: Mutex<Option<oneshot::Sender<Passphrase>>>,
    /// Where the next export goes: suggested here or chosen in the system's dialog, never named by a page.
    export_to: Mutex<Option<PathBuf>>,
}

/// What takes the passphrase and is asked for in another window than the one for secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, specta::Type)]
#[serde(rename_all = "camelCase")]
pub enum Act {
    SetRule,
    AnswerWithLimit,
    UnblockSite,
    Pair,
    Accounts,
    Payer,
    AddToken,
    AutoLock,
    Permit2,
    Prune,
    Vacuum,
    NewRecord,
}

/// What brings a person to the vault window; an account is named by its base58 address.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, specta::Type)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum Errand {
    #[default]
    Unlock,
    Import,
    Words,
    Passphrase,
    Restore,
    #[serde(rename_all = "camelCase")]
    Remember {
        at_start: bool,
    },
    Export {
        account: String,
    },
    Remove {
        account: String,
    },
    /// The passphrase for something that another window asked for. `about`: which site, program or account.
    Confirm {
        act: Act,
        about: Option<String>,
    },
}

struct Open {
    owner: Owner,
    practice: Option<Practice>,
}

impl House {
    pub fn open(args: &Args) -> Self {
        let mut house = Self {
            desk: OnceLock::new(),
            trouble: None,
            args: args.clone(),
            open: Mutex::default(),
            errand: Mutex::default(),
            waiting: Mutex::default(),
            export_to: Mutex::default(),
        };
        match block_on(start(args, false)) {
            Ok(open) => house.move_in(open),
            Err(failure) => {
                tracing::error!("{}", failure.message);
                house.trouble = Some(failure);
            }
        }
        house
    }

    fn move_in(&self, open: Open) {
        // Whoever comes second finds the desk of the first.
        let _ = self.desk.set(open.owner.desk().clone());
        *lock(&self.open) = Some(open);
    }

    /// Whether there is anything to begin anew.
    pub fn record_is_gone(&self) -> Result<(), Failure> {
        let gone = self.trouble.as_ref().is_some_and(|failure| failure.code == Code::LedgerGone);
        match self.desk.get().is_some() || !gone {
            true => Err(Failure::new(Code::AlreadyAnswered, &[])),
            false => Ok(()),
        }
    }

    /// The person's word: opens with a new, empty record where the one of this wallet is gone. Refuses anything else
    /// that is in the way, as a start does.
    pub async fn begin_new_record(&self) -> Result<(), Failure> {
        self.record_is_gone()?;
        self.move_in(start(&self.args, true).await?);
        Ok(())
    }

    /// The desk, or why there is none.
    pub fn desk(&self) -> Result<&Desk, Failure> {
        self.desk.get().ok_or_else(|| {
            self.trouble.clone().unwrap_or_else(|| Failure::new(Code::Internal, &[("detail", "no desk")]))
        })
    }

    pub fn errand(&self) -> Errand {
        lock(&self.errand).clone()
    }

    /// Whoever waited for the passphrase of another errand waits in vain.
    pub fn set_errand(&self, errand: Errand) {
        *lock(&self.waiting) = None;
        *lock(&self.errand) = errand;
    }

    /// The passphrase of the errand that was set just now, once it was typed in the vault window and is the right one;
    /// nothing when that window is closed or turns to something else.
    pub fn awaited(&self) -> oneshot::Receiver<Passphrase> {
        let (tell, told) = oneshot::channel();
        *lock(&self.waiting) = Some(tell);
        told
    }

    /// The passphrase was typed for the errand that is open.
    pub async fn confirm(&self, passphrase: String) -> Result<(), Failure> {
        let typed = || Passphrase::new(passphrase.clone());
        match self.desk.get() {
            Some(desk) => desk.prove(typed()).await?,
            None => self.prove_without_record(typed()).await?,
        }
        let passphrase = Passphrase::new(passphrase);
        let waiting = lock(&self.waiting).take();
        waiting.and_then(|waiting| waiting.send(passphrase).ok()).ok_or_else(not_confirmed)
    }

    /// Where the record is gone there is no desk; the vault is there and knows its passphrase.
    async fn prove_without_record(&self, passphrase: Passphrase) -> Result<(), Failure> {
        let folder = helper::data_dir("main", self.args.data_dir.as_deref());
        let folder = folder.map_err(|e| cannot_start(e.to_string()))?;
        Ok(wallet::prove_at(&folder, passphrase).await?)
    }

    pub fn set_export_to(&self, path: PathBuf) {
        *lock(&self.export_to) = Some(path);
    }

    pub fn export_to(&self) -> Option<PathBuf> {
        lock(&self.export_to).clone()
    }

    /// What the practice shopper needs; `None` outside of practice.
    pub fn practice(&self) -> Option<Practice> {
        let open = lock(&self.open);
        open.as_ref().and_then(|open| open.practice.clone())
    }

    /// Ends the doors, then the wallet, then the practice chain.
    pub fn close(&self) {
        let open = lock(&self.open).take();
        if let Some(Open { owner, practice }) = open {
            block_on(owner.shutdown());
            drop(practice);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The window for secrets was closed before the passphrase was typed.
pub fn not_confirmed() -> Failure {
    Failure { message: view::words::say("not-confirmed", &[]), advice: None, ..Failure::new(Code::UserRejected, &[]) }
}

/// How long a start waits for the keyring.
const KEYRING_FIRST: std::time::Duration = std::time::Duration::from_secs(2);

async fn start(args: &Args, new_ledger: bool) -> Result<Open, Failure> {
    if args.practice {
        let (owner, practice) = Practice::start(args.data_dir.clone()).await.map_err(cannot_start)?;
        return Ok(Open { owner, practice: Some(practice) });
    }
    let failed = |e: StartError| match Failure::from(&e) {
        failure if failure.code == Code::LedgerGone => failure,
        failure => cannot_start(failure.message),
    };
    let options = OwnerOptions { data_dir: args.data_dir.clone(), new_ledger, ..OwnerOptions::default() };
    let opened = Owner::open(options).await.map_err(failed)?;
    // First unlocked, then heard, where the keyring does it at once. One that asks or hangs holds up neither windows nor
    // programs: what was asked meanwhile is judged again at the unlock.
    let wallet = opened.desk().wallet().clone();
    let unlocking = tauri::async_runtime::spawn(async move { wallet.unlock_at_start().await });
    let _ = tokio::time::timeout(KEYRING_FIRST, unlocking).await;
    let owner = opened.listen().await.map_err(failed)?;
    Ok(Open { owner, practice: None })
}

fn cannot_start(message: String) -> Failure {
    Failure {
        code: Code::Internal,
        message,
        advice: Some("Nothing was changed. Put this right, then start Countersign again.".to_owned()),
        field: None,
        found: None,
        expected: None,
        retry_after: None,
    }
}
