//! Apps and how they become known: a short code is shown by app and wallet, a person compares and approves,
//! the app collects its token, once, with the secret that it got when it asked. The token is stored hashed; the plain
//! one lives in memory until it is collected, a minute at most. An app that signs its requests names its public key
//! instead and gets no token. Refuses unknown and revoked ones alike.

use crate::keys::random;
use crate::{Event, Wallet, WalletError, lock};
use ledger::{App, LedgerError, NewApp};
use names::{AppNameError, check_app_name};
use plan::{AppId, Moment};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::time::Duration;
use zeroize::Zeroizing;

/// How long a pairing waits for a person.
const OPEN_MS: i64 = 5 * 60_000;
/// How long the app can collect its token.
const COLLECT_MS: i64 = 60_000;
/// Pairings of one user's programs that may wait at once.
const OPEN_MAX: usize = 8;
const NAME_MAX: usize = 64;

/// No letters or digits that look alike.
const ALPHABET: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PairingState {
    Asked,
    Approved,
    /// The token was handed out.
    Collected,
    Rejected,
    Expired,
}

/// A pairing as its app sees it.
pub struct Pairing {
    pub id: String,
    pub name: String,
    pub code: String,
    pub state: PairingState,
    pub expires_at: Moment,
    /// In the answer to [`Wallet::pair`] alone. It collects the token; the id, which stands in a URL, does not.
    pub secret: Option<Zeroizing<String>>,
    /// In one answer of [`Wallet::collect`].
    pub token: Option<Zeroizing<String>>,
}

pub(crate) struct Open {
    /// Whose program asked: another user of this machine, or ours.
    user: Option<u32>,
    id: String,
    secret_hash: [u8; 32],
    /// It signs its requests with the key to this one, and gets no token.
    public_key: Option<[u8; 32]>,
    name: String,
    code: String,
    state: PairingState,
    /// Boot clock.
    ends: i64,
    expires_at: Moment,
    token: Option<Zeroizing<String>>,
    /// Answered with yes, and the app is still being written down: for the app it waits.
    writing: bool,
}

impl Open {
    fn picture(&self) -> Pairing {
        Pairing {
            id: self.id.clone(),
            name: self.name.clone(),
            code: self.code.clone(),
            state: if self.writing { PairingState::Asked } else { self.state },
            expires_at: self.expires_at,
            secret: None,
            token: None,
        }
    }
}

/// Pairings that a person turned down count against all unpaired programs of a user together.
fn pairings(user: Option<u32>) -> AppId {
    AppId(user.map_or("pairings".to_owned(), |user| format!("pairings of {user}")))
}

/// Refuses a name that a person could take for that of an app which may still ask. Said to the owner alone: an unpaired
/// program would learn who is paired.
fn free(apps: &[App], name: &str) -> Result<(), WalletError> {
    let paired = apps.iter().filter(|app| app.revoked_at.is_none()).map(|app| app.name.as_str());
    match names::resembling(name, paired) {
        None => Ok(()),
        Some(like) => {
            let why = AppNameError::Taken { like: like.to_owned() };
            Err(WalletError::AppName { name: name.to_owned(), why })
        }
    }
}

fn readable(bytes: &[u8]) -> String {
    bytes.iter().map(|b| char::from(ALPHABET[usize::from(b % 32)])).collect()
}

pub(crate) fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// What stands in a token's place for an app that signs. No token has this hash: its form is another.
fn key_hash(public_key: &[u8; 32]) -> [u8; 32] {
    Sha256::new().chain_update("countersign key ").chain_update(public_key).finalize().into()
}

/// Tokens that were looked up, by their hash: one owner process, so nobody else revokes.
#[derive(Default)]
pub(crate) struct Tokens {
    known: HashMap<[u8; 32], App>,
    /// Counts changes to apps: what was read before one is not remembered after it.
    changes: u64,
}

impl Tokens {
    /// Something about an app changed; every token is looked up again.
    pub fn forget(&mut self) {
        self.changes += 1;
        self.known.clear();
    }
}

impl Wallet {
    /// An app asks to be paired. `name` is its own word for itself.
    pub fn pair(&self, name: &str) -> Result<Pairing, WalletError> {
        self.ask_to_pair(name, None, None)
    }

    /// As [`Wallet::pair`], for a program of another user of this machine: those take nobody else's places.
    pub fn pair_for(&self, name: &str, user: Option<u32>) -> Result<Pairing, WalletError> {
        self.ask_to_pair(name, user, None)
    }

    /// As [`Wallet::pair_for`], for an app that signs its requests: known by its public key, without a token.
    pub fn pair_with_key(&self, name: &str, user: Option<u32>, public_key: [u8; 32]) -> Result<Pairing, WalletError> {
        self.ask_to_pair(name, user, Some(public_key))
    }

    fn ask_to_pair(&self, name: &str, user: Option<u32>, public_key: Option<[u8; 32]>) -> Result<Pairing, WalletError> {
        let name = name.trim();
        if name.is_empty() || name.chars().count() > NAME_MAX {
            let found = format!("{} characters", name.chars().count());
            return Err(WalletError::Field { field: "name", expected: "1 to 64 characters", found });
        }
        check_app_name(name).map_err(|why| WalletError::AppName { name: name.to_owned(), why })?;
        self.check_pairing_pause(user)?;
        let (mut id, mut code, mut bytes) = ([0; 16], [0; 6], Zeroizing::new([0; 32]));
        random(&mut id)?;
        random(&mut code)?;
        random(bytes.as_mut())?;
        let secret = Zeroizing::new(format!("cp_{}", hex::encode(*bytes)));
        let mut open = self.pairings_now();
        if open.iter().filter(|p| p.state == PairingState::Asked && p.user == user).count() >= OPEN_MAX {
            return Err(WalletError::RateLimited { retry_after: 60 });
        }
        let code = readable(&code);
        let pairing = Open {
            user,
            id: hex::encode(id),
            secret_hash: hash(&secret),
            public_key,
            name: name.to_owned(),
            code: format!("{}-{}", &code[..3], &code[3..]),
            state: PairingState::Asked,
            ends: self.0.time.boot_ms() + OPEN_MS,
            expires_at: self.now().plus_ms(OPEN_MS),
            token: None,
            writing: false,
        };
        let picture = Pairing { secret: Some(secret), ..pairing.picture() };
        open.push(pairing);
        drop(open);
        self.emit(Event::Pairing);
        Ok(picture)
    }

    /// The pairing with this id, for the app that has its secret, after at most `wait` for the person's answer. Once it
    /// is approved this hands out the token, to one call.
    pub async fn collect(&self, id: &str, secret: &str, wait: Duration) -> Result<Pairing, WalletError> {
        let mut events = self.subscribe();
        let secret_hash = hash(secret);
        let look = || {
            let mut open = self.pairings_now();
            // Compared as hashes: what a timing could tell is nothing about the secret.
            let pairing = open.iter_mut().find(|p| p.id == id && p.secret_hash == secret_hash);
            let pairing = pairing.ok_or(WalletError::NotFound { what: "pairing" })?;
            let token = if pairing.writing { None } else { pairing.token.take() };
            let picture = Pairing { token, ..pairing.picture() };
            if picture.token.is_some() {
                pairing.state = PairingState::Collected;
            }
            Ok(picture)
        };
        let waiting = async {
            loop {
                let pairing = look()?;
                if pairing.state != PairingState::Asked || events.recv().await.is_err() {
                    return Ok(pairing);
                }
            }
        };
        match tokio::time::timeout(wait, waiting).await {
            Ok(answer) => answer,
            Err(_) => look(),
        }
    }

    /// Pairings that wait for a person.
    pub fn open_pairings(&self) -> Vec<Pairing> {
        let open = self.pairings_now();
        open.iter().filter(|p| p.state == PairingState::Asked).map(Open::picture).collect()
    }

    /// The person's answer.
    pub async fn answer_pairing(&self, pairing_id: &str, approve: bool) -> Result<(), WalletError> {
        let (name, user, public_key) = {
            let mut open = self.pairings_now();
            let pairing = open
                .iter_mut()
                .find(|p| p.id == pairing_id && p.state == PairingState::Asked)
                .ok_or(WalletError::NotFound { what: "pairing" })?;
            // Taken at once: of two answers that come together the first counts.
            pairing.state = if approve { PairingState::Approved } else { PairingState::Rejected };
            pairing.writing = approve;
            pairing.ends = self.0.time.boot_ms() + COLLECT_MS;
            (pairing.name.clone(), pairing.user, pairing.public_key)
        };
        if !approve {
            lock(&self.0.flood).refused(&pairings(user), self.0.time.boot_ms());
        }
        if approve {
            let (mut app_id, mut secret) = ([0; 8], Zeroizing::new([0; 32]));
            random(&mut app_id)?;
            random(secret.as_mut())?;
            let token = Zeroizing::new(format!("cs_{}", hex::encode(*secret)));
            let token_hash = public_key.map_or_else(|| hash(&token), |key| key_hash(&key));
            let (id, now) = (AppId(format!("app_{}", hex::encode(app_id))), self.now());
            let added = match self.apps().await {
                Ok(apps) => match free(&apps, &name) {
                    Ok(()) => self.add_app(id, name, token_hash, now).await,
                    Err(taken) => Err(taken),
                },
                Err(e) => Err(e),
            };
            let mut open = self.pairings_now();
            if let Some(pairing) = open.iter_mut().find(|p| p.id == pairing_id) {
                pairing.writing = false;
                match &added {
                    Ok(_) => pairing.token = public_key.is_none().then_some(token),
                    Err(_) => pairing.state = PairingState::Rejected,
                }
            }
            drop(open);
            // Also where it came to nothing: the app waits for its answer.
            self.emit(Event::Pairing);
            return added.map(drop);
        }
        self.emit(Event::Pairing);
        Ok(())
    }

    async fn add_app(&self, id: AppId, name: String, token_hash: [u8; 32], now: Moment) -> Result<App, WalletError> {
        let readings = names::readings(&name);
        let (new, called) = (name.clone(), name);
        let added =
            self.db(move |ledger| ledger.add_app(&NewApp { id, name: &new, readings: &readings, token_hash }, now));
        added.await.map_err(|error| match error {
            WalletError::Ledger(LedgerError::NameTaken { like }) => {
                WalletError::AppName { name: called, why: AppNameError::Taken { like } }
            }
            other => other,
        })
    }

    /// The app behind a token. Looked up by hash: what a timing could tell is nothing about the token.
    pub async fn authenticate(&self, token: &str) -> Result<App, WalletError> {
        if token.len() != 67 || !token.starts_with("cs_") {
            return Err(WalletError::NotPaired { app: None });
        }
        self.app_of(hash(token)).await
    }

    /// The app that signs with the key to this one.
    pub async fn authenticate_key(&self, public_key: &[u8; 32]) -> Result<App, WalletError> {
        self.app_of(key_hash(public_key)).await
    }

    async fn app_of(&self, hash: [u8; 32]) -> Result<App, WalletError> {
        let (known, changes) = {
            let tokens = lock(&self.0.tokens);
            (tokens.known.get(&hash).cloned(), tokens.changes)
        };
        let found = match known {
            Some(app) => Some(app),
            None => self.db(move |ledger| ledger.app_by_token_hash(&hash)).await?,
        };
        match found {
            Some(app) if app.revoked_at.is_none() => {
                self.saw(&app.id).await?;
                let mut tokens = lock(&self.0.tokens);
                if tokens.changes == changes {
                    tokens.known.insert(hash, app.clone());
                }
                Ok(app)
            }
            other => Err(WalletError::NotPaired { app: other.map(|a| a.id) }),
        }
    }

    pub async fn apps(&self) -> Result<Vec<App>, WalletError> {
        self.db(|ledger| ledger.apps()).await
    }

    /// The app's next call fails; its open questions are cancelled.
    pub async fn revoke_app(&self, id: &AppId) -> Result<(), WalletError> {
        let (app, now) = (id.clone(), self.now());
        let revoked = self.db(move |ledger| ledger.revoke_app(&app, now)).await;
        lock(&self.0.tokens).forget();
        revoked?;
        let (asked, approved) = (self.open_questions().await?, self.db(|ledger| ledger.unfinished()).await?);
        for payment in asked.into_iter().chain(approved).filter(|p| p.plan.app == *id) {
            match self.cancel(id, payment.id).await {
                // What is signed stays out.
                Ok(_) | Err(WalletError::Signed(_)) => {}
                Err(e) => return Err(e),
            }
        }
        self.emit(Event::Rules);
        Ok(())
    }

    /// An app was here; written down once a minute at most.
    async fn saw(&self, id: &AppId) -> Result<(), WalletError> {
        let boot = self.0.time.boot_ms();
        let known = lock(&self.0.seen).get(id).is_some_and(|at| boot - at < COLLECT_MS);
        if known {
            return Ok(());
        }
        let (app, now) = (id.clone(), self.now());
        self.db(move |ledger| ledger.touch_app(&app, now)).await?;
        lock(&self.0.seen).insert(id.clone(), boot);
        Ok(())
    }

    /// Now as deadlines count it: the later one of the wall and what the boot clock makes of the start.
    pub fn now_latest(&self) -> Moment {
        self.0.time.latest()
    }

    fn check_pairing_pause(&self, user: Option<u32>) -> Result<(), WalletError> {
        match lock(&self.0.flood).pause(&pairings(user), self.0.time.boot_ms()) {
            Some(retry_after) => Err(WalletError::RateLimited { retry_after }),
            None => Ok(()),
        }
    }

    fn pairings_now(&self) -> std::sync::MutexGuard<'_, Vec<Open>> {
        let boot = self.0.time.boot_ms();
        let mut open = self.0.pairings.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        for pairing in open.iter_mut().filter(|p| boot >= p.ends) {
            pairing.token = None;
            let waits = match pairing.state {
                PairingState::Asked => true,
                // Whoever signs has nothing to collect.
                PairingState::Approved => pairing.public_key.is_none() && !pairing.writing,
                _ => false,
            };
            if waits {
                pairing.state = PairingState::Expired;
            }
        }
        // Ended ones are kept for a while, so that a late poll learns how it ended.
        open.retain(|p| boot < p.ends + OPEN_MS);
        open
    }
}
