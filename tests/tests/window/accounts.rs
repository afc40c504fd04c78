//! Accounts in the window: one more, one brought along, one watched; who pays for an app and on a site; the errands
//! with a secret in them; the settings for unlocking; and a first run from a key and from a keystore file.

use crate::screen::{Screen, Session};
use crate::{PASSPHRASE, configure};
use anyhow::{Context, Result, ensure};
use practice::World;
use serde_json::{Value, json};
use std::path::Path;

/// A private key that nobody uses.
const KEY: &str = "0707070707070707070707070707070707070707070707070707070707070707";

pub async fn several(screen: &Screen) -> Result<()> {
    screen.turn_to("index").await?;
    screen.click("[data-go=accounts]").await?;
    screen.enter("[data-field=name]", "Shopping").await?;
    screen.click("[data-act=add]").await?;
    screen.confirm(PASSPHRASE, "index").await?;
    screen.says("main", "Shopping").await?;
    watch(screen).await?;
    import(screen).await?;
    screen.turn_to("index").await?;
    screen.says("main", "From my old wallet").await?;
    screen.shot("accounts").await?;
    chosen_for_an_app(screen).await?;
    errands(screen).await?;
    settings(screen).await
}

async fn watch(screen: &Screen) -> Result<()> {
    screen.enter("[data-field=watch]", "T123").await?;
    screen.click("[data-act=watch]").await?;
    screen.find("[data-code=BAD_REQUEST]").await?;
    screen.find("[data-field=watch]").await?.clear().await?;
    screen.enter("[data-field=watch]", "TUEZSdKsoDHQMeZwihtdoBiN46zxhGWYdH").await?;
    screen.click("[data-act=watch]").await?;
    screen.confirm(PASSPHRASE, "index").await?;
    screen.says("main", "watched only").await?;
    Ok(())
}

async fn import(screen: &Screen) -> Result<()> {
    screen.click("[data-act=import]").await?;
    screen.turn_to("vault").await?;
    screen.find("[data-step=import]").await?;
    screen.enter("[data-field=key]", KEY).await?;
    screen.enter("[data-field=name]", "From my old wallet").await?;
    screen.enter("[data-field=passphrase]", "not this one").await?;
    screen.click("[data-act=run]").await?;
    screen.find("[data-code=WRONG_PASSPHRASE]").await?;
    screen.shot("import-account").await?;
    screen.enter("[data-field=passphrase]", PASSPHRASE).await?;
    screen.click_away("[data-act=run]").await?;
    screen.closed("vault").await
}

async fn chosen_for_an_app(screen: &Screen) -> Result<()> {
    screen.click("[data-go=apps]").await?;
    let choice = screen.find("[data-payer]").await?;
    choice.select_by_label("Shopping").await?;
    screen.confirm(PASSPHRASE, "index").await?;
    screen.says("main", "Shopping").await?;
    screen.shot("app-account").await?;
    screen.click("[data-go=sites]").await?;
    screen.click("[data-site]").await?;
    screen.find("[data-payer]").await?.select_by_label("From my old wallet").await?;
    screen.confirm(PASSPHRASE, "index").await?;
    screen.shot("site-account").await?;
    // What was chosen is kept.
    screen.click("[data-go=apps]").await?;
    let kept = "return document.querySelector('[data-payer]').selectedOptions[0].textContent";
    screen.find("[data-payer]").await?;
    ensure!(screen.script(kept).await? == "Shopping", "the choice is not kept");
    screen.find("[data-payer]").await?.select_by_index(0).await?;
    screen.confirm(PASSPHRASE, "index").await
}

async fn errands(screen: &Screen) -> Result<()> {
    screen.click("[data-go=accounts]").await?;
    screen.click("[data-act=export]").await?;
    screen.turn_to("vault").await?;
    screen.find("[data-step=export]").await?;
    screen.shot("export-account").await?;
    screen.click_away("[data-act=close]").await?;
    screen.closed("vault").await?;

    screen.turn_to("index").await?;
    screen.click("[data-act=words]").await?;
    screen.turn_to("vault").await?;
    screen.enter("[data-field=passphrase]", PASSPHRASE).await?;
    screen.click("[data-act=run]").await?;
    screen.says("main", "Hidden again").await?;
    screen.shot("words-again").await?;
    screen.click_away("[data-act=close]").await?;
    screen.closed("vault").await?;

    // A removal says what is lost.
    screen.turn_to("index").await?;
    screen.click("[data-account]:last-child [data-act=remove]").await?;
    screen.turn_to("vault").await?;
    screen.says("main", "Without a backup of its own").await?;
    screen.shot("remove-account").await?;
    screen.click_away("[data-act=close]").await?;
    screen.closed("vault").await?;

    screen.turn_to("index").await?;
    screen.click("[data-act=passphrase]").await?;
    screen.turn_to("vault").await?;
    screen.enter("[data-field=passphrase]", PASSPHRASE).await?;
    screen.enter("[data-field=fresh]", PASSPHRASE).await?;
    screen.enter("[data-field=repeat]", PASSPHRASE).await?;
    screen.click("[data-act=run]").await?;
    screen.says("main", "Done.").await?;
    screen.shot("passphrase-changed").await?;
    screen.click_away("[data-act=close]").await?;
    screen.closed("vault").await
}

async fn settings(screen: &Screen) -> Result<()> {
    screen.turn_to("index").await?;
    screen.click("[data-go=settings]").await?;
    screen.find("[data-field=permit2]").await?.select_by_value("second").await?;
    screen.confirm(PASSPHRASE, "index").await?;
    screen.find("[data-field=unlock]").await?.select_by_value("atStart").await?;
    screen.turn_to("vault").await?;
    screen.says("main", "neither your words nor your passphrase").await?;
    screen.shot("remember-unlock").await?;
    // No keyring that is set up is on this bus: told, and nothing is kept.
    screen.enter("[data-field=passphrase]", PASSPHRASE).await?;
    screen.click("[data-act=run]").await?;
    screen.says("[role=alert], .notice", "The passphrase opens the wallet as before").await?;
    screen.shot("remember-unlock-no-keyring").await?;
    screen.click_away("[data-act=close]").await?;
    screen.closed("vault").await?;
    screen.turn_to("index").await?;
    screen.says("main", "The passphrase opens the wallet as before").await?;
    let ways = "return ['permit2', 'unlock'].map(f => document.querySelector(`[data-field=${f}]`).value).join()";
    ensure!(screen.script(ways).await? == "second,never", "{}", screen.script(ways).await?);
    screen.shot("settings-unlock").await?;
    screen.find("[data-field=permit2]").await?.select_by_value("first").await?;
    screen.confirm(PASSPHRASE, "index").await
}

/// A wallet of one key: from its digits, and from a keystore file.
pub async fn first_run_from_a_key(world: &World) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let screen = begin(folder.path(), world).await?;
    screen.click("input[value=key] + span").await?;
    screen.enter("[data-field=key]", KEY).await?;
    screen.shot("first-run-key").await?;
    finish(&screen, "only your own backup of the key").await?;
    screen.close().await?;

    let file = folder.path().join("key.json");
    std::fs::write(&file, serde_json::to_vec(&keystore())?)?;
    let other = tempfile::tempdir()?;
    let screen = begin(other.path(), world).await?;
    screen.click("input[value=keystore] + span").await?;
    screen.enter("[data-field=file]", file.to_str().context("a plain name")?).await?;
    screen.enter("[data-field=its]", "testpassword").await?;
    screen.shot("first-run-keystore").await?;
    finish(&screen, "only your own backup of the key").await?;
    screen.close().await
}

/// The published vector of the format, for the password "testpassword".
fn keystore() -> Value {
    json!({
        "crypto": {
            "cipher": "aes-128-ctr",
            "cipherparams": { "iv": "6087dab2f9fdbbfaddc31a909735c1e6" },
            "ciphertext": "5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46",
            "kdf": "pbkdf2",
            "kdfparams": {
                "c": 262_144, "dklen": 32, "prf": "hmac-sha256",
                "salt": "ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd",
            },
            "mac": "517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2",
        },
        "id": "3198bc9c-6672-5ab3-d995-4942343ae5b6",
        "version": 3,
    })
}

/// A keyring that works: the unlock is remembered, opens a locked wallet with one button and a started one by itself,
/// and is forgotten when the person says so.
pub async fn unlocked_by_the_keyring(world: &World) -> Result<()> {
    let (folder, session) = (tempfile::tempdir()?, Session::new(true)?);
    let args = ["--data-dir", folder.path().to_str().context("a plain name")?];
    let screen = begin_in(&session, folder.path(), world).await?;
    screen.click("input[value=key] + span").await?;
    screen.enter("[data-field=key]", KEY).await?;
    finish(&screen, "only your own backup of the key").await?;
    screen.click("[data-go=settings]").await?;
    screen.find("[data-field=unlock]").await?.select_by_value("atStart").await?;
    screen.turn_to("vault").await?;
    screen.enter("[data-field=passphrase]", PASSPHRASE).await?;
    screen.click_away("[data-act=run]").await?;
    screen.closed("vault").await?;

    screen.turn_to("index").await?;
    screen.says("main", "the keyring, also at a start").await?;
    screen.click("[data-act=lock]").await?;
    screen.find("[data-lock=true]").await?;
    screen.click("[data-act=unlock]").await?;
    screen.turn_to("vault").await?;
    screen.find("[data-act=keyring]").await?;
    screen.shot("unlock-keyring").await?;
    screen.click_away("[data-act=keyring]").await?;
    screen.closed("vault").await?;
    screen.turn_to("index").await?;
    screen.find("[data-act=lock]").await?;
    screen.close().await?;

    // The next day: nobody types anything.
    let screen = Screen::open_in(&session, &args).await?;
    screen.turn_to("index").await?;
    screen.find("[data-act=lock]").await.context("a start unlocks")?;
    screen.click("[data-go=settings]").await?;
    screen.find("[data-field=unlock]").await?.select_by_value("never").await?;
    screen.find("[data-field=unlock] option[value=never]:checked").await?;
    screen.shot("settings-keyring-forgotten").await?;
    screen.close().await?;
    let screen = Screen::open_in(&session, &args).await?;
    screen.turn_to("index").await?;
    screen.find("[data-lock=true]").await.context("forgotten: the passphrase opens it as before")?;
    screen.close().await
}

/// A wallet of the key that nobody uses, with its page of accounts in front.
pub async fn begin_again(session: &Session, args: &[&str]) -> Result<Screen> {
    let screen = Screen::open_in(session, args).await?;
    screen.turn_to("vault").await?;
    screen.click("[data-act=import]").await?;
    screen.click("input[value=key] + span").await?;
    screen.enter("[data-field=key]", KEY).await?;
    finish(&screen, "only your own backup of the key").await?;
    Ok(screen)
}

async fn begin(folder: &Path, world: &World) -> Result<Screen> {
    begin_in(&Session::new(false)?, folder, world).await
}

async fn begin_in(session: &Session, folder: &Path, world: &World) -> Result<Screen> {
    configure(folder, world)?;
    let screen = Screen::open_in(session, &["--data-dir", folder.to_str().context("a plain name")?]).await?;
    screen.turn_to("vault").await?;
    screen.click("[data-act=import]").await?;
    Ok(screen)
}

async fn finish(screen: &Screen, note: &str) -> Result<()> {
    screen.click("[data-act=next]").await?;
    screen.says("main", note).await?;
    screen.enter("[data-field=passphrase]", PASSPHRASE).await?;
    screen.enter("[data-field=repeat]", PASSPHRASE).await?;
    screen.click_away("[data-act=finish]").await?;
    screen.closed("vault").await?;
    screen.turn_to("index").await?;
    screen.click("[data-go=accounts]").await?;
    screen.says("main", "imported").await?;
    Ok(())
}
