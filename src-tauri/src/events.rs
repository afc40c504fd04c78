//! From the core to the windows: every event goes out as it is, and a question, a danger or a pairing opens
//! the window where a person answers.

use crate::house::House;
use crate::windows;
use std::time::Duration;
use tauri::{AppHandle, Emitter, Manager};
use tokio::sync::broadcast::error::RecvError;
use view::{Desk, EventView};

/// The one event that the interface listens to.
pub const CHANGED: &str = "changed";

pub fn follow(app: &AppHandle) {
    let house = app.state::<House>();
    let Ok(desk) = house.desk().cloned() else { return };
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        let mut events = desk.subscribe();
        // Questions that were open before this start.
        if waiting(&desk).await {
            windows::open_or_tell(&app, windows::APPROVAL);
        }
        loop {
            match events.recv().await {
                Ok(event) => {
                    let shown = desk.event(event).await;
                    raise(&app, &desk, &shown).await;
                    tell(&app, &shown);
                }
                // Too many at once: whatever they were, everybody looks again.
                Err(RecvError::Lagged(_)) => {
                    let question = EventView::Question { id: String::new(), app_id: String::new() };
                    for event in [question, EventView::Lock, EventView::Pairing, EventView::Rules] {
                        raise(&app, &desk, &event).await;
                        tell(&app, &event);
                    }
                }
                Err(RecvError::Closed) => return,
            }
        }
    });
}

fn tell(app: &AppHandle, event: &EventView) {
    if let Err(e) = app.emit(CHANGED, event) {
        tracing::warn!("an event did not reach the windows: {e}");
    }
}

async fn raise(app: &AppHandle, desk: &Desk, event: &EventView) {
    let label = match event {
        // A question that is already in front stays as it is: the queue never moves what is under the pointer.
        EventView::Question { .. } | EventView::Danger { .. }
            if app.get_webview_window(windows::APPROVAL).is_some() =>
        {
            return;
        }
        EventView::Question { .. } => return raise_when_it_lasts(app, desk),
        EventView::Danger { .. } if desk.dangers().await.is_ok_and(|d| !d.is_empty()) => windows::APPROVAL,
        EventView::Pairing if !desk.wallet().open_pairings().is_empty() => windows::MAIN,
        _ => return,
    };
    windows::open_or_tell(app, label);
}

/// A question that its program takes back at once pulls no window to the front.
fn raise_when_it_lasts(app: &AppHandle, desk: &Desk) {
    let (app, desk) = (app.clone(), desk.clone());
    tauri::async_runtime::spawn(async move {
        // Once more after another second: the row is dated a little after its event.
        for _ in 0..2 {
            tokio::time::sleep(Duration::from_millis(wallet::LASTING_MS.unsigned_abs())).await;
            if desk.wallet().has_lasting_question().await.unwrap_or(false) {
                windows::open_or_tell(&app, windows::APPROVAL);
                return;
            }
        }
    });
}

async fn waiting(desk: &Desk) -> bool {
    desk.wallet().open_questions().await.is_ok_and(|open| !open.is_empty())
}
