//! The inspector: explains any text. Signs and pays nothing; a node or a URL is asked only by its own command, which
//! the window calls when its button is pressed.

use super::{Answer, TheHouse};
use helper::fetch::{Fetch, fetch};
use view::{InspectView, NodeView};

#[tauri::command]
#[specta::specta]
pub async fn inspect(house: TheHouse<'_>, text: String) -> Answer<InspectView> {
    Ok(house.desk()?.inspect(&text))
}

/// With what the wallet's nodes know. `network`: where a bare transaction id belongs.
#[tauri::command]
#[specta::specta]
pub async fn look_up(house: TheHouse<'_>, text: String, network: Option<String>) -> Answer<InspectView> {
    house.desk()?.look_up(&text, network.as_deref()).await
}

/// How each node of the settings does.
#[tauri::command]
#[specta::specta]
pub async fn check_nodes(house: TheHouse<'_>) -> Answer<Vec<NodeView>> {
    house.desk()?.check_nodes(None).await
}

/// The answer to one GET, as text: no payment, no cookie, no redirect followed.
#[tauri::command]
#[specta::specta]
pub async fn fetch_url(url: String) -> Answer<String> {
    Ok(fetch(&Fetch { url, ..Fetch::default() }).await?.text)
}
