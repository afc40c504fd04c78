//! Practice: a chain, a facilitator and a shop inside this program, a funded account without allowance, and a
//! paired program that wants to buy something cheap. Play money in a profile of its own; never the real one.

use crate::house::House;
use helper::{Owner, OwnerOptions};
use practice::World;
use practice::buyer::Buyer;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tauri::{AppHandle, Manager};
use view::{Desk, SettlementView};

/// Opens practice wallets. No secret: there is nothing to steal.
const PASSPHRASE: &str = "practice only";
/// How long the shopper waits for the person.
const PATIENCE: Duration = Duration::from_secs(600);

/// A running practice world, with the shopper's token. Cheap to clone; the last one stops it.
#[derive(Clone)]
pub struct Practice {
    world: Arc<World>,
    /// Deleted at the end, where no folder was named.
    _folder: Option<Arc<tempfile::TempDir>>,
    helper_url: String,
    token: Option<String>,
}

impl Practice {
    pub async fn start(data_dir: Option<PathBuf>) -> Result<(Owner, Self), String> {
        let told = |e: &dyn std::error::Error| e.to_string();
        let world = World::start(practice::Options::default()).await.map_err(|e| told(&e))?;
        let (data_dir, folder) = match data_dir {
            Some(dir) => (dir, None),
            None => {
                let folder = tempfile::Builder::new().prefix("countersign-practice").tempdir().map_err(|e| told(&e))?;
                (folder.path().to_owned(), Some(Arc::new(folder)))
            }
        };
        let options = OwnerOptions {
            data_dir: Some(data_dir),
            profile: "devnet".to_owned(),
            port: Some(0),
            nile_node: Some(world.node_url().into()),
            ..OwnerOptions::default()
        };
        let owner = Owner::start(options).await.map_err(|e| told(&e))?;
        let token = open_wallet(owner.desk()).await.map_err(|failure| failure.message)?;
        for account in owner.desk().wallet().accounts() {
            world.fund(account.address).map_err(|e| told(&e))?;
        }
        let helper_url = format!("http://{}", owner.addr());
        Ok((owner, Self { world: Arc::new(world), _folder: folder, helper_url, token }))
    }
}

/// A wallet made and unlocked, and a paired shopper: what a person would do first, done already.
async fn open_wallet(desk: &Desk) -> Result<Option<String>, view::Failure> {
    if desk.wallet().is_empty() {
        let new = desk.new_words(12).await?;
        let asked = new.ask.iter().filter_map(|n| usize::try_from(*n).ok()?.checked_sub(1));
        let answers = asked.filter_map(|i| new.words.get(i).cloned()).collect();
        desk.confirm_words(answers, PASSPHRASE.to_owned()).await?;
    } else {
        desk.unlock(PASSPHRASE.to_owned()).await?;
    }
    let pairing = desk.pair("Practice shopper", None).await?;
    desk.answer_pairing(&pairing.id, true).await?;
    Ok(desk.collect(&pairing.id, &pairing.secret.unwrap_or_default(), Duration::ZERO).await?.token)
}

/// Lets the shopper buy, and tells each step on standard output as one JSON object a line.
pub fn shop(app: &AppHandle) {
    let house = app.state::<House>();
    let (Some(practice), Ok(desk)) = (house.practice(), house.desk().cloned()) else { return };
    let Some(token) = practice.token.clone() else { return };
    let mut events = desk.subscribe();
    tauri::async_runtime::spawn(async move {
        let url = practice.world.cheap_url();
        let buyer = Buyer::new(practice.helper_url.clone(), token);
        let delivered = match buyer.get(&url, PATIENCE).await {
            Ok(delivered) => delivered,
            Err(e) => return tell(&serde_json::json!({ "event": "failed", "url": url, "reason": e.to_string() })),
        };
        let id = delivered.payment_id.unwrap_or_default();
        tell(&serde_json::json!({ "event": "delivered", "id": id, "status": delivered.status }));
        loop {
            if let Ok(row) = desk.payment(&id).await
                && matches!(row.payment.settlement, SettlementView::Seen | SettlementView::Final)
            {
                let transaction = row.payment.transaction;
                return tell(&serde_json::json!({ "event": "settled", "id": id, "transaction": transaction }));
            }
            if let Err(tokio::sync::broadcast::error::RecvError::Closed) = events.recv().await {
                return;
            }
        }
    });
}

#[allow(clippy::print_stdout)] // Read by whoever started the practice, `cargo xtask demo` above all.
fn tell(event: &serde_json::Value) {
    println!("{event}");
}
