//! The record is narrowed, exported and looked after in the window: chips that come off one by one, a file that is
//! complete, one that is there and replaced only after another word, and old payments counted before anything goes.

use crate::screen::Screen;
use anyhow::{Context, Result, ensure};
use wallet::{Cost, Options, Passphrase, Wallet};

pub async fn keeps(screen: &Screen) -> Result<()> {
    screen.click("[data-go=activity]").await?;
    let all = screen.count("[data-payment]").await?;
    screen.click(".head button[aria-expanded]").await?;
    screen.find("[data-filter=settlement]").await?.select_by_value("final").await?;
    screen.find("[data-without=settlement]").await?;
    screen.shot("filters").await?;
    screen.click("[data-without=settlement]").await?;
    screen.find("[data-payment]").await?;
    ensure!(screen.count("[data-without]").await? == 0, "the chip is still there");

    screen.click("[data-action=export]").await?;
    screen.find("[data-field=format]").await?.select_by_value("json").await?;
    // The core names the file, or the system's dialog does; the page does not.
    let file = std::path::PathBuf::from(screen.says("[data-field=path]", ".json").await?);
    let name = file.file_name().and_then(|name| name.to_str()).context("a plain name")?;
    screen.click("form.panel button.primary").await?;
    screen.says("form.panel [role=status]", "entries are in").await?;
    screen.shot("export").await?;
    let rows: Vec<serde_json::Value> = serde_json::from_slice(&std::fs::read(&file)?)?;
    ensure!(rows.len() >= all, "{} of {all} entries are in the file", rows.len());
    // Once more into the same file: told, and replaced only then.
    std::fs::write(&file, "mine")?;
    screen.click("form.panel button.primary").await?;
    screen.says("form.panel [role=alert]", name).await?;
    ensure!(std::fs::read(&file)? == b"mine", "a file was written over without a word");
    screen.click("form.panel .foot button:last-of-type").await?;
    screen.says("form.panel [role=status]", "entries are in").await?;
    ensure!(std::fs::read(&file)?.len() > 100, "the file was not replaced");

    screen.click("[data-go=settings]").await?;
    screen.click("[data-action=count]").await?;
    screen.says("[data-part=upkeep] [role=status]", "Nothing is that old").await?;
    screen.shot("settings-record").await?;
    screen.click("[data-action=vacuum]").await?;
    screen.confirm(crate::PASSPHRASE, "index").await?;
    screen.says("[data-part=upkeep] [role=status]", "The record took").await?;
    Ok(())
}

/// The wallet is there and its record is not: the window says so, and begins a new one after a tick and a press.
pub async fn begins_a_new_record() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let ledger = folder.path().join("ledger.db");
    std::fs::write(folder.path().join("config.toml"), "port = 0\n[[mainnet]]\nurl = \"http://127.0.0.1:9\"\n")?;
    let wallet = Wallet::open(Options { cost: Cost::floor(), ..Options::new(folder.path(), "main") }).await?;
    wallet.import_words(stories::WORDS, Passphrase::new(stories::PASSPHRASE.to_owned())).await?;
    wallet.close().await;
    drop(wallet);
    for name in ["ledger.db-wal", "ledger.db-shm"] {
        let _ = std::fs::remove_file(folder.path().join(name));
    }
    std::fs::write(&ledger, "")?;

    let screen = Screen::open(&["--data-dir", folder.path().to_str().context("a plain name")?]).await?;
    screen.turn_to("index").await?;
    screen.says("[data-code=LEDGER_GONE]", "is empty").await?;
    ensure!(screen.find("[data-act=new-record]").await?.attr("disabled").await?.is_some(), "one press is enough");
    screen.shot("record-gone").await?;
    ensure!(std::fs::metadata(&ledger)?.len() == 0, "it was written to before anybody said so");
    screen.click("[data-field=forget]").await?;
    screen.click("[data-act=new-record]:enabled").await?;
    ensure!(std::fs::metadata(&ledger)?.len() == 0, "a press is enough");
    screen.confirm(stories::PASSPHRASE, "index").await?;
    screen.find("[data-lock=true]").await?;
    screen.says("main", "Countersign is locked").await?;
    ensure!(std::fs::metadata(&ledger)?.len() > 0, "there is no new record");
    crate::program::port(folder.path()).await?;
    screen.close().await
}
