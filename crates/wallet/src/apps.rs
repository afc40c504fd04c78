//! Apps and how they become known: a short code is shown by app and wallet, a person compares and approves,
//! the app collects its token. The token is stored hashed; the plain one lives in memory for a minute, in
//! case the answer was lost. Refuses unknown and revoked tokens alike.

use crate::keys::random;
use crate::{Event, Wallet, WalletError};
use ledger::{App, NewApp};
use plan::{AppId, Moment};
use sha2::{Digest, Sha256};
use std::time::Duration;
use zeroize::Zeroizing;

/// How long a pairing waits for a person.
const OPEN_MS: i64 = 5 * 60_000;
/// How long the app can collect its token again.
const COLLECT_MS: i64 = 60_000;
/// Pairings that may wait at once.
const OPEN_MAX: usize = 8;
const NAME_MAX: usize = 64;

/// No letters or digits that look alike.
const ALPHABET: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PairingState {
    Asked,
    Approved,
    Rejected,
    Expired,
}

/// A pairing as its app sees it. The token is there for a minute after the approval.
pub struct Pairing {
    pub id: String,
    pub name: String,
    pub code: String,
    pub state: PairingState,
    pub expires_at: Moment,
    pub token: Option<Zeroizing<String>>,
}

pub(crate) struct Open {
    id: String,
    name: String,
    code: String,
    state: PairingState,
    /// Boot clock.
    ends: i64,
    expires_at: Moment,
    token: Option<Zeroizing<String>>,
}

impl Open {
    fn picture(&self) -> Pairing {
        Pairing {
            id: self.id.clone(),
            name: self.name.clone(),
            code: self.code.clone(),
            state: self.state,
            expires_at: self.expires_at,
            token: self.token.clone(),
        }
    }
}

fn readable(bytes: &[u8]) -> String {
    bytes.iter().map(|b| char::from(ALPHABET[usize::from(b % 32)])).collect()
}

fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

impl Wallet {
    /// An app asks to be paired. `name` is its own word for itself.
    pub fn pair(&self, name: &str) -> Result<Pairing, WalletError> {
        let name = name.trim();
        if name.is_empty() || name.chars().count() > NAME_MAX {
            let found = format!("{} characters", name.chars().count());
            return Err(WalletError::Field { field: "name", expected: "1 to 64 characters", found });
        }
        let (mut id, mut code) = ([0; 16], [0; 6]);
        random(&mut id)?;
        random(&mut code)?;
        let mut open = self.pairings_now();
        if open.iter().filter(|p| p.state == PairingState::Asked).count() >= OPEN_MAX {
            return Err(WalletError::RateLimited { retry_after: 60 });
        }
        let code = readable(&code);
        let pairing = Open {
            id: hex::encode(id),
            name: name.to_owned(),
            code: format!("{}-{}", &code[..3], &code[3..]),
            state: PairingState::Asked,
            ends: self.0.time.boot_ms() + OPEN_MS,
            expires_at: self.now().plus_ms(OPEN_MS),
            token: None,
        };
        let picture = pairing.picture();
        open.push(pairing);
        drop(open);
        self.emit(Event::Pairing);
        Ok(picture)
    }

    /// The pairing with this id, after at most `wait` for the person's answer.
    pub async fn pairing(&self, id: &str, wait: Duration) -> Result<Pairing, WalletError> {
        let mut events = self.subscribe();
        let find = || {
            let open = self.pairings_now();
            open.iter().find(|p| p.id == id).map(Open::picture).ok_or(WalletError::NotFound { what: "pairing" })
        };
        let waiting = async {
            loop {
                let pairing = find()?;
                if pairing.state != PairingState::Asked || events.recv().await.is_err() {
                    return Ok(pairing);
                }
            }
        };
        match tokio::time::timeout(wait, waiting).await {
            Ok(answer) => answer,
            Err(_) => find(),
        }
    }

    /// Pairings that wait for a person.
    pub fn open_pairings(&self) -> Vec<Pairing> {
        let open = self.pairings_now();
        open.iter().filter(|p| p.state == PairingState::Asked).map(Open::picture).collect()
    }

    /// The person's answer.
    pub async fn answer_pairing(&self, pairing_id: &str, approve: bool) -> Result<(), WalletError> {
        let name = {
            let mut open = self.pairings_now();
            let pairing = open
                .iter_mut()
                .find(|p| p.id == pairing_id && p.state == PairingState::Asked)
                .ok_or(WalletError::NotFound { what: "pairing" })?;
            if !approve {
                pairing.state = PairingState::Rejected;
            }
            pairing.name.clone()
        };
        if approve {
            let (mut app_id, mut secret) = ([0; 8], Zeroizing::new([0; 32]));
            random(&mut app_id)?;
            random(secret.as_mut())?;
            let token = Zeroizing::new(format!("cs_{}", hex::encode(*secret)));
            let (id, token_hash, now) = (AppId(format!("app_{}", hex::encode(app_id))), hash(&token), self.now());
            self.db(move |ledger| ledger.add_app(&NewApp { id, name: &name, token_hash }, now)).await?;
            let mut open = self.pairings_now();
            if let Some(pairing) = open.iter_mut().find(|p| p.id == pairing_id) {
                pairing.state = PairingState::Approved;
                pairing.ends = self.0.time.boot_ms() + COLLECT_MS;
                pairing.token = Some(token);
            }
        }
        self.emit(Event::Pairing);
        Ok(())
    }

    /// The app behind a token. Looked up by hash: what a timing could tell is nothing about the token.
    pub async fn authenticate(&self, token: &str) -> Result<App, WalletError> {
        if token.len() != 67 || !token.starts_with("cs_") {
            return Err(WalletError::NotPaired { app: None });
        }
        let hash = hash(token);
        match self.db(move |ledger| ledger.app_by_token_hash(&hash)).await? {
            Some(app) if app.revoked_at.is_none() => Ok(app),
            other => Err(WalletError::NotPaired { app: other.map(|a| a.id) }),
        }
    }

    pub async fn apps(&self) -> Result<Vec<App>, WalletError> {
        self.db(|ledger| ledger.apps()).await
    }

    /// The app's next call fails; its open questions are cancelled.
    pub async fn revoke_app(&self, id: &AppId) -> Result<(), WalletError> {
        let (app, now) = (id.clone(), self.now());
        self.db(move |ledger| ledger.revoke_app(&app, now)).await?;
        for payment in self.open_questions().await?.into_iter().filter(|p| p.plan.app == *id) {
            self.cancel(id, payment.id).await?;
        }
        self.emit(Event::Rules);
        Ok(())
    }

    fn pairings_now(&self) -> std::sync::MutexGuard<'_, Vec<Open>> {
        let boot = self.0.time.boot_ms();
        let mut open = self.0.pairings.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        for pairing in open.iter_mut().filter(|p| boot >= p.ends) {
            pairing.token = None;
            if pairing.state == PairingState::Asked {
                pairing.state = PairingState::Expired;
            }
        }
        // Ended ones are kept for a while, so that a late poll learns how it ended.
        open.retain(|p| boot < p.ends + OPEN_MS);
        open
    }
}
